/**
 * Runs many sequences, in several apps at the same time. The seeds follow one another; in every fortieth sequence the app is
 * killed.
 */
import { type CheckOptions, checkSequences } from './check-model.ts'
import type { Sequence } from './sequence-run.ts'
import { generateSequence } from './steps.ts'

/** The local store has room for a thousand operations. */
const sequencesOfApp = 60
const killsEvery = 40
const appsAtOnce = 2

/** By default every fourth has child processes, which take some milliseconds each. */
export function sequenceOf(seed: number, hasChildren: boolean = seed % 4 === 0): Sequence {
  return {
    seed,
    steps: generateSequence(seed, {
      isKilled: seed % killsEvery === 0,
      hasChildren,
    }),
  }
}

export interface ModelRun {
  readonly firstSeed: number
  readonly count: number
  readonly check?: CheckOptions
  /** Default: some of them. */
  readonly hasChildren?: boolean
  readonly onProgress?: (done: number) => void
}

/** Faults by seed. */
export async function runModel({
  firstSeed,
  count,
  check,
  hasChildren,
  onProgress,
}: ModelRun): Promise<ReadonlyMap<number, readonly string[]>> {
  const batches: Sequence[][] = []
  for (let seed = firstSeed; seed < firstSeed + count; seed += 1) {
    const sequence = sequenceOf(seed, hasChildren)
    const last = batches.at(-1)
    if (last === undefined || last.length >= sequencesOfApp) batches.push([sequence])
    else last.push(sequence)
  }
  const faults = new Map<number, readonly string[]>()
  let done = 0
  const work = async (): Promise<void> => {
    for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
      for (const [seed, found] of await checkSequences(batch, check)) faults.set(seed, found)
      done += batch.length
      onProgress?.(done)
    }
  }
  await Promise.all(Array.from({ length: appsAtOnce }, work))
  return faults
}
