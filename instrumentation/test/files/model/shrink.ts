/** Leaves out steps of a failing sequence as long as it still fails. */
import { checkSequences } from './check-model.ts'
import type { Sequence } from './sequence-run.ts'

export async function shrink(sequence: Sequence): Promise<Sequence> {
  let shortest = sequence
  for (let index = sequence.steps.length - 1; index >= 0; index -= 1) {
    const shorter = { ...shortest, steps: shortest.steps.toSpliced(index, 1) }
    if (shorter.steps.length === 0) continue
    if ((await checkSequences([shorter])).size > 0) shortest = shorter
  }
  return shortest
}
