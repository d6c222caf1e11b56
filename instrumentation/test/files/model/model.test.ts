/**
 * Random changes of files: writers one after another and at the same time, failures, atomic saves, renames, folders,
 * streams, descriptors, shell commands, other programs, reverts through the routes, and apps that are killed. A second
 * implementation notes what each did to the disk. Each change must be recorded once, in order, with the contents that the
 * file really had; Revert restores only contents that the file had, or changes nothing.
 */
import { expect } from 'vitest'
import { claim } from '../not-yet.ts'
import { type ModelRun, runModel } from './run-model.ts'

claim('in 200 random sequences no state is invented and none is lost', async () => {
  expect(await faultsOf({ firstSeed: 1, count: 200, hasChildren: false })).toEqual([])
})

claim('in 50 random sequences with child processes, neither', async () => {
  expect(await faultsOf({ firstSeed: 1, count: 50, hasChildren: true })).toEqual([])
})

async function faultsOf(run: ModelRun): Promise<readonly string[]> {
  const faults = [...(await runModel(run))].slice(0, 5)
  return faults.map(([seed, found]) => `seed ${seed}: ${found.join('; ')}`)
}
