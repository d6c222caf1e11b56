/**
 * Remembers which contents were sent with the records of one recorder: each content is sent once per UTC day, unless it may
 * have been lost. Beyond `rememberedMax` the oldest is forgotten and may be sent again, which is harmless.
 */
import type { ContentHash } from '@turnlog/conventions'
import type { JournaledScope } from '../journal/span-head.ts'
import { contentScope, partRecords } from './content-records.ts'
import type { SealedRecord } from './outlet.ts'

export interface ContentPart {
  readonly scope: JournaledScope
  /** OTLP/JSON. */
  readonly json: string
  /** Hash of the whole content. */
  readonly sha256: ContentHash
}

const rememberedMax = 10_000
const dayNanoseconds = 86_400_000_000_000n

export class SentContents {
  readonly #common: Readonly<Record<string, string>>
  /** UTC day and hash of each content that was sent, the oldest first. */
  readonly #sent = new Set<string>()

  constructor(common: Readonly<Record<string, string>>) {
    this.#common = common
  }

  /** The parts that must be sent with the record, as OTLP/JSON log records. */
  *partsFor({ contents, time }: SealedRecord): Generator<ContentPart> {
    for (const content of contents) {
      const { sha256 } = content
      if (!this.#isNew(`${BigInt(time) / dayNanoseconds} ${sha256}`)) continue
      for (const json of partRecords(content, { time, common: this.#common })) {
        yield { scope: contentScope, json, sha256 }
      }
    }
  }

  /** Contents already sent may be lost: they are sent again when they are next referenced. */
  forget(): void {
    this.#sent.clear()
  }

  #isNew(key: string): boolean {
    if (this.#sent.has(key)) return false
    this.#sent.add(key)
    const oldest = this.#sent.size > rememberedMax ? this.#sent.values().next() : undefined
    if (oldest?.value !== undefined) this.#sent.delete(oldest.value)
    return true
  }
}
