/**
 * Which contents have gone with the records of one recorder: on one UTC day each goes once, unless it may be lost. Beyond
 * `rememberedMax` the oldest would go again, which changes nothing.
 */
import type { ContentHash } from '@turnlog/conventions'
import type { JournaledScope } from '../journal/journaled.ts'
import { contentScope, type MovedContent, partRecords } from './content-records.ts'
import type { SealedRecord } from './sealed-record.ts'

export interface ContentPart {
  readonly scope: JournaledScope
  readonly json: string
  /** Of the whole content. */
  readonly sha256: ContentHash
}

const rememberedMax = 10_000
const dayNanoseconds = 86_400_000_000_000n

export function createSentContents(common: Readonly<Record<string, string>>) {
  const gone = new Set<string>()

  function isNew({ sha256 }: MovedContent, time: string): boolean {
    const key = `${BigInt(time) / dayNanoseconds} ${sha256}`
    if (gone.has(key)) return false
    gone.add(key)
    const oldest = gone.size > rememberedMax ? gone.values().next() : undefined
    if (oldest?.value !== undefined) gone.delete(oldest.value)
    return true
  }

  return {
    /** The parts that have to go with the record, as OTLP/JSON log records. */
    *partsFor({ contents, time }: SealedRecord): Generator<ContentPart> {
      for (const content of contents) {
        if (!isNew(content, time)) continue
        for (const json of partRecords(content, { time, common })) {
          yield { scope: contentScope, json, sha256: content.sha256 }
        }
      }
    },
    /** What went may be lost: what is referred to from now on goes again. */
    forget(): void {
      gone.clear()
    },
  }
}
