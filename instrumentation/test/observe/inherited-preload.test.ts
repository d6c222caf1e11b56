/** Children and threads that inherit the preload, in another folder than the app's. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { placedArguments } from '../../src/observe/inherited-preload.ts'
import { runProgram } from '../support/observed-program.ts'
import { makeWorkspace } from '../support/workspace.ts'

const root = path.resolve(import.meta.dirname, '../../..')
const preload = '/app/node_modules/@turnlog/instrumentation/dist/register.js'

test('the preload is named by its place, and nothing else is changed', () => {
  const url = pathToFileURL(preload).href
  const name = '@turnlog/instrumentation/register'
  const placed = (...values: string[]) => placedArguments(values, preload, '/app')
  expect(placed('--import', name, '--import', 'other')).toEqual([
    '--import',
    url,
    '--import',
    'other',
  ])
  expect(placed(`--import=${name}`, '--conditions=a=b')).toEqual([
    `--import=${url}`,
    '--conditions=a=b',
  ])
  expect(placed('-r', name, '--max-old-space-size=100')).toEqual([
    '-r',
    preload,
    '--max-old-space-size=100',
  ])
  expect(placed('--import', `.${preload.slice('/app'.length)}`)).toEqual(['--import', url])
  expect(placed('--title', name)).toEqual(['--title', name])
})

test('a forked child and a thread work in a folder in which Node does not find the preload', async () => {
  using workspace = makeWorkspace({
    'child.cjs': "require('fs').writeFileSync('by-child.txt', 'x'); process.exit(6)",
    'thread.cjs': "require('fs').writeFileSync('by-thread.txt', 'x')",
    'host.cjs': `
      const { fork } = require('node:child_process')
      const { Worker } = require('node:worker_threads')
      process.chdir(${JSON.stringify(fs.realpathSync('/'))})
      const cwd = __dirname
      fork(cwd + '/child.cjs', [], { cwd }).on('exit', (code) => {
        process.chdir(cwd)
        new Worker(cwd + '/thread.cjs').on('exit', (threadCode) => console.log('codes', code, threadCode))
      })`,
  })
  const outcome = await runProgram(path.join(workspace.folder, 'host.cjs'), {
    cwd: root,
    spool: workspace.spool,
    preload: '@turnlog/instrumentation/register',
    env: { TELEMETRY_WORKSPACE: workspace.folder },
  })
  expect(outcome).toMatchObject({ stdout: 'codes 6 0\n', stderr: '', code: 0 })
  expect(fs.existsSync(path.join(workspace.folder, 'by-thread.txt'))).toBe(true)
})
