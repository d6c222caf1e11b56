/**
 * Random changes of files: writers one after another and at the same time, failures, atomic saves, renames, folders,
 * streams, descriptors, shell commands that are waited for and that run beside the app's own changes, changes outside of
 * turns, reverts through the routes, and an app that is killed and starts again. A second implementation notes what each did
 * to the disk. Each change must be recorded once, in order, with the contents that the file really had, in the local store and in
 * what is sent; Revert restores only contents that the file had, or changes nothing. This is a small sample; CONTRIBUTING.md says
 * how to run more.
 */
import { expect, test } from 'vitest'
import { type ModelRun, runModel } from './run-model.ts'

test('in 40 random sequences no state is invented and none is lost', async () => {
  expect(await faultsOf({ firstSeed: 1, count: 40, hasChildren: false })).toEqual([])
})

test('in 40 random sequences with child processes, neither', async () => {
  expect(await faultsOf({ firstSeed: 1, count: 40, hasChildren: true })).toEqual([])
})

async function faultsOf(run: ModelRun): Promise<readonly string[]> {
  const faults = [...(await runModel(run))].slice(0, 5)
  return faults.map(([seed, found]) => `seed ${seed}: ${found.join('; ')}`)
}
