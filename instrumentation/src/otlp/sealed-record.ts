import type { JournaledScope } from '../journal/journaled.ts'
import type { Signal } from '../spool/segment-name.ts'
import type { MovedContent } from './content-records.ts'

/** A record as it leaves the machine. */
export interface SealedRecord {
  readonly signal: Signal
  readonly sequence: number
  readonly scope: JournaledScope
  /** How many sequences it declares dropped. */
  readonly declares: number
  /** The record's OTLP/JSON. */
  readonly json: string
  /** Its own, as its JSON has it; what it refers to is of the same UTC day. */
  readonly time: string
  /** What has left it. */
  readonly contents: readonly MovedContent[]
}
