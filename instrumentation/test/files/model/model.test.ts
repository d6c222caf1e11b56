/**
 * Random changes of files: writers one after another and at the same time, failures, atomic saves, renames, folders,
 * streams, descriptors, shell commands, other programs, reverts through the routes, and apps that are killed. A second
 * implementation notes what each did to the disk. Each change must be recorded once, in order, with the contents that the
 * file really had; Revert restores only contents that the file had, or changes nothing.
 */
import { expect } from 'vitest'
import { claim } from '../not-yet.ts'
import { runModel } from './run-model.ts'

claim('in 200 random sequences no state is invented and none is lost', async () => {
  const faults = await runModel({ firstSeed: 1, count: 200 })
  const told = [...faults].map(
    ([seed, found]) => `npm run test:files -- --seed ${seed}: ${found.join('; ')}`,
  )
  expect(told.slice(0, 5)).toEqual([])
})
