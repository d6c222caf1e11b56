/** Types: the input of sealing one span, its result, and the function that a kind of span has for it. */
import type { RecordedChange } from '../changes/change.ts'
import type { Contents } from '../changes/store.ts'
import type { JournaledSpan } from '../journal/span-head.ts'
import type { SealedAttributes } from '../otlp/otlp-json.ts'
import type { LargeFileHash } from './large-file.ts'
import type { OpenContents } from './open-contents.ts'
import type { TurnSums } from './turn.ts'

/** Facts that an observer left for sealing and that are not attributes. */
export type Notes = Readonly<Record<string, unknown>>

/** A span that ended, with everything in it raw. */
export interface EndedSpan {
  readonly span: JournaledSpan
  readonly notes: Notes
  /** How many raw pieces were journaled for it; undefined if unknown, because it was ended for a dead recorder. */
  readonly pieces: number | undefined
}

export interface SealContext {
  readonly contents: OpenContents
  /** The workspace's copies: contents that the recorder has kept beside its journal. */
  readonly copies: { readonly read: (sha256: string) => Uint8Array | undefined }
  /** Sums of open turns, by span id. */
  readonly sums: Map<string, TurnSums>
  /** Whether the turn is open, so that its sums will be needed. */
  readonly isOpen: (spanId: string) => boolean
  /** The open turns of a trace. */
  readonly openTurnsOf: (traceId: string) => readonly string[]
  readonly contentBytesMax: number
  readonly sessionId: string
  readonly hashLargeFile: LargeFileHash
}

export interface SpanContext extends SealContext {
  /** None of the span's raw pieces is missing. */
  readonly isWhole: boolean
}

export interface SealedSpan {
  readonly span: JournaledSpan
  readonly attributes: SealedAttributes
  /** For the local Changes store; raw. */
  readonly change?: {
    readonly operation: RecordedChange
    readonly contents: Contents
  }
}

/** Seals one kind of span. `attributes` are redacted already, and are added to. */
export type SealKind = (
  ended: EndedSpan,
  attributes: SealedAttributes,
  context: SpanContext,
) => SealedSpan
