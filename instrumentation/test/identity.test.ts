import { symlinkSync } from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { appScript, isOwnScript } from '../src/identity.ts'
import { makeWorkspace } from './support/workspace.ts'

const node = '/usr/bin/node'

test('the app is named by its main script', () => {
  expect(appScript([node, '/app/server.js'], {})).toBe('/app/server.js')
  expect(appScript([node], {})).toBeUndefined()
})

test('under pm2 the app is named by its own script, not by the one of pm2', () => {
  const fork = [node, '/lib/node_modules/pm2/lib/ProcessContainerFork.js']
  expect(appScript(fork, { pm_exec_path: '/app/server.js' })).toBe('/app/server.js')
  const cluster = [node, '/lib/node_modules/pm2/lib/ProcessContainer.js']
  const settings = JSON.stringify({ name: 'a', pm_exec_path: '/app/server.js' })
  expect(appScript(cluster, { pm2_env: settings })).toBe('/app/server.js')
  expect(appScript(cluster, {})).toBe(cluster[1])
})

test('what an app under pm2 starts is named by its own script', () => {
  const environment = { pm_exec_path: '/app/server.js' }
  expect(appScript([node, '/app/tool.js'], environment)).toBe('/app/tool.js')
})

test('a command of an installed package is no script of the user', () => {
  using workspace = makeWorkspace({ 'node_modules/tool/cli.js': '', 'app.js': '' })
  const command = path.join(workspace.folder, 'tool')
  symlinkSync('node_modules/tool/cli.js', command)
  expect(isOwnScript(path.join(workspace.folder, 'app.js'))).toBe(true)
  expect(isOwnScript(command)).toBe(false)
  expect(isOwnScript(undefined)).toBe(false)
})
