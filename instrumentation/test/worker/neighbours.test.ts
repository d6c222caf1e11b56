/** A living recorder that comes or ends is noticed without a search through all folders. */
import { mkdirSync, writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { originalFs } from '../../src/file-system.ts'
import { Neighbours } from '../../src/worker/neighbours.ts'
import { runProgram } from '../support/observed-program.ts'
import { makeWorkspace } from '../support/workspace.ts'

function neighboursIn(directory: string): Neighbours {
  const neighbours = new Neighbours({ fileSystem: originalFs, directory })
  neighbours.beginRound()
  return neighbours
}

test('nothing has changed while the same recorders live', () => {
  using workspace = makeWorkspace()
  const neighbours = neighboursIn(workspace.folder)
  neighbours.lives(path.join(workspace.folder, 'a'), process.pid)
  expect(neighbours.haveChanged()).toBe(false)
})

test('a recorder that comes is noticed', () => {
  using workspace = makeWorkspace()
  const neighbours = neighboursIn(workspace.folder)
  mkdirSync(path.join(workspace.folder, 'a'))
  expect(neighbours.haveChanged()).toBe(true)
  neighbours.beginRound()
  expect(neighbours.haveChanged()).toBe(false)
})

test('a recorder that ends while its process lives on is noticed', () => {
  using workspace = makeWorkspace({ 'a/recorder.json': '{}' })
  const neighbours = neighboursIn(workspace.folder)
  neighbours.lives(path.join(workspace.folder, 'a'), process.pid)
  writeFileSync(path.join(workspace.folder, 'a/ended'), '')
  expect(neighbours.haveChanged()).toBe(true)
})

test('a process that ends, also without a word, is noticed', async () => {
  using workspace = makeWorkspace({ 'app.mjs': 'process.kill(process.pid, "SIGKILL")' })
  const app = path.join(workspace.folder, 'app.mjs')
  const { pid } = await runProgram(app, { cwd: workspace.folder })
  const neighbours = neighboursIn(workspace.folder)
  neighbours.lives(path.join(workspace.folder, 'a'), pid ?? 0)
  expect(neighbours.haveChanged()).toBe(true)
})
