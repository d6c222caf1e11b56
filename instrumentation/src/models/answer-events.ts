/**
 * The events of a streamed answer, as far as its bytes have come: server-sent events, a JSON text on each line, or Amazon's
 * binary event stream. Incremental; never throws.
 */
import { StringDecoder } from 'node:string_decoder'
import { viewOf } from '@turnlog/conventions/content/text'
import { asObject, asString, parseJson } from '@turnlog/conventions/plain'
import { Lines } from '../lines.ts'
import { createSseParser } from './sse.ts'

export interface AnswerEvent {
  /** Empty when there was none. */
  readonly name: string
  /** JSON, of every API that is known. */
  readonly data: string
  /** The framing says that it is an error. Server-sent events and lines have no such mark. */
  readonly isError?: boolean
}

/** `events`: server-sent events; `lines`: newline-delimited JSON; `messages`: `application/vnd.amazon.eventstream`. */
export type Framing = 'events' | 'lines' | 'messages'

export interface FrameReader {
  /** Takes the next bytes; returns the events that are complete with them. */
  push(bytes: Uint8Array): AnswerEvent[]
  /** The last event, if the answer ended without its end. */
  end(): AnswerEvent[]
}

/** `undefined`: the answer is one JSON text. */
export function framingOf(contentType: string | undefined): Framing | undefined {
  const [type = ''] = (contentType ?? '').split(';')
  switch (type.trim().toLowerCase()) {
    case 'text/event-stream':
      return 'events'
    case 'application/x-ndjson':
    case 'application/jsonl':
    case 'application/stream+json':
      return 'lines'
    case 'application/vnd.amazon.eventstream':
      return 'messages'
    default:
      return undefined
  }
}

/** A gateway may not say that an answer is a stream of events. */
export function looksLikeEvents(body: Buffer): boolean {
  return /^\s*(?:event|data|id|retry)?:/.test(body.toString('latin1', 0, 64))
}

export function createFrameReader(framing: Framing): FrameReader {
  if (framing === 'messages') return createMessageReader()
  const decoder = new StringDecoder('utf8')
  const parser = framing === 'events' ? createSseParser() : createLineParser()
  return {
    push: (bytes) => parser.push(decoder.write(viewOf(bytes))),
    end: () => [...parser.push(decoder.end()), ...parser.end()],
  }
}

export function readFrames(framing: Framing, bytes: Uint8Array): AnswerEvent[] {
  const reader = createFrameReader(framing)
  return [...reader.push(bytes), ...reader.end()]
}

function createLineParser() {
  const lines = new Lines()
  const eventsOf = (texts: readonly string[]): AnswerEvent[] =>
    texts.filter((line) => line.trim() !== '').map((data) => ({ name: '', data }))
  return {
    push: (piece: string) => eventsOf(lines.push(piece)),
    end: () => eventsOf([lines.end()]),
  }
}

/** A message's total length, the length of its headers, and the checksum of both. */
const preludeBytes = 12
const checksumBytes = 4
/** Amazon allows 24 MiB. A larger number is not the length of a message. */
const messageBytesMax = 32 * 1024 ** 2

/** https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html; checksums are not verified: TLS has done so. */
function createMessageReader(): FrameReader {
  let held = Buffer.alloc(0)
  return {
    push(bytes) {
      held = held.length === 0 ? Buffer.from(bytes) : Buffer.concat([held, bytes])
      const events: AnswerEvent[] = []
      while (held.length >= preludeBytes) {
        const length = held.readUInt32BE(0)
        if (length < preludeBytes + checksumBytes || length > messageBytesMax) {
          held = Buffer.alloc(0)
          break
        }
        if (held.length < length) break
        events.push(eventOf(held.subarray(0, length)))
        held = held.subarray(length)
      }
      return events
    },
    end: () => [],
  }
}

function eventOf(message: Buffer): AnswerEvent {
  const headersEnd = Math.min(preludeBytes + message.readUInt32BE(4), message.length)
  const headers = stringHeaders(message.subarray(preludeBytes, headersEnd))
  const failure = headers.get(':exception-type') ?? headers.get(':error-code')
  const payload = message.toString('utf8', headersEnd, message.length - checksumBytes)
  if (failure !== undefined) {
    const text = headers.get(':error-message')
    return { name: failure, data: payload || JSON.stringify({ message: text }), isError: true }
  }
  const name = headers.get(':event-type') ?? ''
  // `invoke` wraps each event of the model's own API.
  const bytes = name === 'chunk' ? asString(asObject(parseJson(payload))?.bytes) : undefined
  return {
    name,
    data: bytes === undefined ? payload : Buffer.from(bytes, 'base64').toString('utf8'),
  }
}

/** The type of a header's value that is a text. All that name an event are. */
const stringType = 7

function stringHeaders(bytes: Buffer): Map<string, string> {
  const headers = new Map<string, string>()
  let at = 0
  while (at < bytes.length) {
    const nameEnd = at + 1 + bytes.readUInt8(at)
    if (nameEnd + 3 > bytes.length || bytes.readUInt8(nameEnd) !== stringType) break
    const valueEnd = nameEnd + 3 + bytes.readUInt16BE(nameEnd + 1)
    headers.set(
      bytes.toString('utf8', at + 1, nameEnd),
      bytes.toString('utf8', nameEnd + 3, valueEnd),
    )
    at = valueEnd
  }
  return headers
}
