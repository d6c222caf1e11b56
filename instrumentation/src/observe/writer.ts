/** One writer of a path: a call, or a run of writes through one descriptor; and how its operation ends. */
import type { FileRecord } from './file-record.ts'

/** What a call makes of a file. */
export type Intent =
  | {
      readonly makes: 'content' | 'appended'
      readonly size: () => number
      /** Fresh memory, or the host's own, which does not change before its call returns. */
      readonly bytes: () => Uint8Array
    }
  | { readonly makes: 'nothing' }

export interface Writer {
  /** `undefined`: it changes the path, and its operation is recorded elsewhere. */
  readonly record: FileRecord | undefined
  /** `undefined`: not known before it is done. */
  intent: Intent | undefined
  /** No further call of it changes the file. */
  isDone: boolean
  /** It may turn out to have changed nothing. */
  readonly isIdle?: boolean
  /** The code of its error. */
  error?: string | undefined
  /** Since when nothing of it is in flight, if the look at its result waits: milliseconds since 1970. */
  quietSince?: number
  /** The states are noted, or the operation is discarded. */
  readonly onSettled: (isRecorded: boolean) => void
}

export function end({ record, error, onSettled }: Writer): void {
  if (error !== undefined) record?.fail(error)
  onSettled(true)
}

export function endInFlight(writer: Writer): void {
  if (writer.record?.facts.kind === 'write') {
    writer.record.note('after', { state: 'omitted', reason: 'being_written' })
  }
  end(writer)
}

export function discard({ record, onSettled }: Writer): void {
  record?.discard()
  onSettled(false)
}

/** The host may use its buffer again once its call has returned. */
export function keepIntent(writer: Writer): void {
  const { intent } = writer
  if (intent === undefined || intent.makes === 'nothing') return
  const bytes = new Uint8Array(intent.bytes())
  writer.intent = { ...intent, bytes: () => bytes }
}
