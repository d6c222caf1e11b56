/** Where the sealed records of one recorder go, with the contents they refer to: into segments, or to an exporter. */
import type { Signal } from '../spool/segment-name.ts'
import type { OutOfLineContent } from './content-records.ts'
import type { RecordJson } from './otlp-json.ts'

/** A record as it leaves the machine. */
export interface SealedRecord extends RecordJson {
  readonly signal: Signal
  readonly sequence: number
  /** How many sequences it declares dropped. */
  readonly declares: number
  /** The record's own time, as its JSON has it. The contents it refers to belong to the same UTC day. */
  readonly time: string
  /** The contents that are sent apart from it. */
  readonly contents: readonly OutOfLineContent[]
}

export interface Outlet {
  /** Called before the records of a journal file, none of which has a sequence below `first`. */
  begin(first: number): void
  add(record: SealedRecord): void
  /**
   * Calls back once the fate of everything added since the last call is known: all of it is safe, except the records that
   * are handed back as lost. Segments are in place when this returns, and it throws what the disk throws.
   */
  finish(done: (lost: readonly SealedRecord[]) => void): void
  /** Whether so much is in flight that nothing more should be added for now. */
  isFull(): boolean
  /** Contents already sent may be lost: they are sent again when they are next referenced. */
  forgetContents(): void
}

export interface OutletOptions {
  /** Evaluated when a request is written. */
  readonly resource: () => object
  /** Attributes that every part of a content gets. */
  readonly common?: Readonly<Record<string, string>>
}

/** Opens the outlet of one recorder. */
export type OpenOutlet = (options: OutletOptions) => Outlet
