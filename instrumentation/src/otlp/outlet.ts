/** Where the sealed records of one recorder go, and the contents they refer to: into segments, or to an exporter. */
import type { SealedRecord } from './sealed-record.ts'
import { createSegmentWriter, type SegmentWriterOptions } from './segment.ts'

export interface Outlet {
  /** Before the records of a journal file, of which none has a lower sequence. */
  begin(first: number): void
  add(record: SealedRecord): void
  /**
   * Calls back once it is known what has become of everything that was added since the last call: it is safe, but for what is
   * given back as lost. Segments are in place at once, and throw what the disk throws.
   */
  finish(done: (lost: readonly SealedRecord[]) => void): void
  /** So much is on its way that nothing more should be added for now. */
  isFull(): boolean
  /** What contents went may be lost: those that are referred to from now on go again. */
  forgetContents(): void
}

/** Opens the outlet of one recorder. */
export type OpenOutlet = (options: Pick<SegmentWriterOptions, 'resource' | 'common'>) => Outlet

export function segmentOutlet(options: SegmentWriterOptions): Outlet {
  const segments = createSegmentWriter(options)
  return {
    begin: segments.begin,
    add: segments.add,
    finish(done): void {
      segments.finish()
      done([])
    },
    isFull: () => false,
    forgetContents: segments.forgetContents,
  }
}
