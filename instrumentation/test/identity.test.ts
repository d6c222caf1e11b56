import { expect, test } from 'vitest'
import { appScript } from '../src/identity.ts'

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
