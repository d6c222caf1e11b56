/** Children and threads that inherit the preload, in another folder than the app's. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { placedArguments, placedOptions } from '../../src/observe/inherited-preload.ts'
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

test('NODE_OPTIONS names the preload by its place, and nothing else in it is changed', () => {
  const placed = (text: string, file = preload) => placedOptions(text, file, '/app')
  const name = '@turnlog/instrumentation/register'
  const url = pathToFileURL(preload).href
  expect(placed(`--import=${name}`)).toBe(`--import=${url}`)
  expect(placed(`--max-old-space-size=100  --import "${name}" -r ./x.js`)).toBe(
    `--max-old-space-size=100  --import ${url} -r ./x.js`,
  )
  expect(placed(`-r ${name}`, '/my app/register.js')).toBe('-r "/my app/register.js"')
  expect(placed(`--title="--import=${name}"`)).toBe(`--title="--import=${name}"`)
  expect(placed('--import=./other.js')).toBe('--import=./other.js')
})

test('a Node program that a tool starts elsewhere finds the preload of NODE_OPTIONS', async () => {
  using workspace = makeWorkspace({
    'host.cjs': `
      const { execFileSync } = require('node:child_process')
      console.log(String(execFileSync(process.execPath, ['-p', '6 * 7'], { cwd: __dirname })))`,
  })
  const outcome = await runProgram(path.join(workspace.folder, 'host.cjs'), {
    cwd: root,
    env: {
      TELEMETRY_WORKSPACE: workspace.folder,
      TELEMETRY_SPOOL_DIRECTORY: workspace.spool,
      NODE_OPTIONS: '--import=@turnlog/instrumentation/register --conditions=@turnlog/source',
    },
  })
  expect(outcome).toMatchObject({ stdout: '42\n\n', stderr: '', code: 0 })
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
