/** The states of a file between writers that overlapped, from what each is known to write. Pure. */
import type { FileState } from './file-record.ts'
import type { FileContent } from './host-files.ts'
import type { Writer } from './writer.ts'

export interface Chain {
  readonly writers: readonly Writer[]
  /** The state after each writer. */
  readonly states: readonly FileState[]
}

/**
 * An order of the writers that leads from the first state to the last one, and the states in between. A failed call counts
 * as one that changed nothing. `undefined`: what they write does not explain the last state.
 */
export function chainOf(
  writers: readonly Writer[],
  before: FileContent,
  last: FileContent,
): Chain | undefined {
  const successful = writers.filter(({ error }) => error === undefined)
  if (successful.length === 0) return undefined
  const candidates = successful.map((writer) => [
    ...successful.filter((other) => other !== writer),
    writer,
  ])
  for (const order of candidates.reverse()) {
    const states = statesOf(order, before, last)
    if (states !== undefined) return { writers: order, states }
  }
  return undefined
}

function statesOf(
  order: readonly Writer[],
  before: FileContent,
  last: FileContent,
): FileState[] | undefined {
  const states: FileState[] = []
  let bytes = bytesBefore(order, before, last)
  for (const { intent } of order) {
    // A call that writes nothing while others write has usually read a file that was just truncated: that is no state to record.
    if (states.length > 0 && bytes?.byteLength === 0 && states.at(-1)?.state === 'content') {
      return undefined
    }
    if (intent === undefined) return undefined
    if (intent.makes === 'nothing') {
      bytes = new Uint8Array(0)
      states.push({ state: 'absent' })
      continue
    }
    if (intent.makes === 'content') bytes = intent.bytes()
    else if (bytes === undefined) return undefined
    else bytes = Buffer.concat([bytes, intent.bytes()])
    states.push({ state: 'content', bytes, mode: last.state === 'content' ? last.mode : undefined })
  }
  if (states.at(-1)?.state === 'absent') return last.state === 'absent' ? states : undefined
  const isSame =
    last.state === 'content' && bytes !== undefined && Buffer.compare(bytes, last.bytes) === 0
  return isSame ? states : undefined
}

/** The bytes before the first writer are not in memory. If all writers append, the last state begins with them. */
function bytesBefore(
  order: readonly Writer[],
  before: FileContent,
  last: FileContent,
): Uint8Array | undefined {
  if (before.state === 'absent') return new Uint8Array(0)
  if (before.state !== 'content' || last.state !== 'content') return undefined
  let left = last.bytes.byteLength
  for (const { intent } of order) {
    if (intent?.makes !== 'appended') return undefined
    left -= intent.size()
  }
  return left === before.size ? last.bytes.subarray(0, left) : undefined
}
