/** Ends the operations of writers that overlapped: one for each, if their order is known, else one for all. */
import type { FileState } from './file-record.ts'
import type { Chain } from './write-chain.ts'
import { discard, end, type Writer } from './writer.ts'

export function settleChain(writers: readonly Writer[], { writers: order, states }: Chain): void {
  const [first] = writers
  order.forEach((writer, index) => {
    const { record } = writer
    const previous = states[index - 1]
    if (previous !== undefined) record?.note('before', previous)
    else if (writer !== first && first?.record !== undefined) record?.noteBeforeOf(first.record)
    const state = states[index]
    if (record?.facts.kind === 'write' && state !== undefined) record.note('after', state)
    end(writer)
  })
  // The record of the first may hold the state before another, so it is discarded last.
  for (const writer of writers) if (!order.includes(writer)) discard(writer)
}

/** No order of the writers leads to the last state, so they become one operation. */
export function settleMerged(writers: readonly Writer[], last: FileState): void {
  const recorded = writers.filter(({ record }) => record !== undefined)
  const [first] = recorded
  // If the file exists in the end, the operation is a write, not a delete.
  const writes = recorded.filter(({ record }) => record?.facts.kind === 'write')
  const kept = last.state === 'absent' ? first : (writes[0] ?? first)
  if (first?.record !== undefined && kept?.record !== undefined) {
    if (kept !== first) kept.record.noteBeforeOf(first.record)
    if (kept.record.facts.kind === 'write') kept.record.note('after', last)
    merge(
      kept,
      writers.filter((writer) => writer !== kept),
      () => end(kept),
    )
    return
  }
  for (const writer of writers) end(writer)
}

/** The states between the writers cannot be known: `kept` stands for all, and has the number of the others. */
function merge(kept: Writer, others: readonly Writer[], endKept?: () => void): void {
  for (const { record } of others) if (record !== undefined) kept.record?.absorb(record)
  // The state before may be in the record of another, which is therefore discarded afterwards.
  endKept?.()
  for (const other of others) discard(other)
}

/** Too many writers overlap: those that are done become one. Those that are still at work stay. */
export function mergeDone(group: { writers: Writer[] }): void {
  const [first, ...others] = group.writers
  if (first === undefined) return
  merge(
    first,
    others.filter(({ isDone }) => isDone),
  )
  group.writers = [first, ...others.filter(({ isDone }) => !isDone)]
}
