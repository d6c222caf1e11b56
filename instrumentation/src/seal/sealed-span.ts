/** What the sealing of one span works with, and what comes of it. */

import type { RecordedChange } from '../changes/change.ts'
import type { Contents } from '../changes/store.ts'
import type { JournaledSpan } from '../journal/span-head.ts'
import type { SealedAttributes } from '../otlp/otlp-json.ts'
import type { HeldContents } from './open-contents.ts'
import type { TurnSums } from './turn-sums.ts'

/** Facts an observer has left for the sealer, which are no attributes. */
export type Notes = Readonly<Record<string, unknown>>

/** A span that ended; everything in it raw. */
export interface EndedSpan {
  readonly span: JournaledSpan
  readonly notes: Notes
  /** How many raw pieces were journaled for it; undefined where nobody said: it did not end by itself. */
  readonly pieces: number | undefined
}

export interface SealContext {
  readonly held: HeldContents
  /** Sums of open turns, by their span ids. */
  readonly sums: Map<string, TurnSums>
  /** Whether a turn is open, and so will want sums. */
  readonly isOpen: (spanId: string) => boolean
  /** The open turns of a trace. */
  readonly openTurnsOf: (traceId: string) => readonly string[]
  readonly contentBytesMax: number
  readonly sessionId: string
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

/** One kind of span: from what was journaled to what is sent. `isWhole`: none of its raw pieces is missing. */
export type SealKind = (
  ended: EndedSpan,
  /** Redacted, to be added to. */
  attributes: SealedAttributes,
  context: SealContext & { readonly isWhole: boolean },
) => SealedSpan

/** Why a content is absent that was recorded: a piece of it was lost on its way, or cannot be read. */
export const incomplete = 'incomplete'
