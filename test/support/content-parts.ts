/** Contents that are sent apart from their records, as a recorder sends them. */
import { createHash } from 'node:crypto'
import { type Json, log, nanoseconds, toValue } from './otlp.ts'

export function contentHash(content: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}

export interface PartOptions {
  /** The time of the record that refers to the content. */
  readonly time?: Date
  /** The positions between parts, in characters or bytes. */
  readonly cutAt?: readonly number[]
  readonly sha256?: string
  readonly size?: number
}

/** Log records with the parts of a content. */
export function contentParts(content: string | Uint8Array, options: PartOptions = {}): Json[] {
  const { cutAt = [], time = new Date() } = options
  const cuts = [0, ...cutAt, content.length]
  const bodies = cuts.slice(1).map((end, index) => content.slice(cuts[index], end))
  return bodies.map((body, index) =>
    log(
      {
        'turnlog.content.sha256': options.sha256 ?? contentHash(content),
        'turnlog.content.size': options.size ?? Buffer.byteLength(content),
        'turnlog.content.media_type':
          typeof content === 'string' ? 'text/plain; charset=utf-8' : 'application/octet-stream',
        'turnlog.content.part': index + 1,
        'turnlog.content.parts': bodies.length,
      },
      { eventName: 'turnlog.content', timeUnixNano: nanoseconds(time), body: toValue(body) },
    ),
  )
}
