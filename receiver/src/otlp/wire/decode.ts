/** The bytes of an OTLP request → the request, or why they are none. */
import type { Buffer } from 'node:buffer'
import { decodeJson } from './decode-json.ts'
import { decodeProtobuf } from './decode-protobuf.ts'
import { TooManyRecords } from './record-limit.ts'
import type { DecodeResult, Signal } from './request.ts'
import { decodeText } from './text.ts'

export const encodings = ['json', 'protobuf'] as const
export type Encoding = (typeof encodings)[number]

/** No bytes at all are an empty request in both encodings. Never throws. */
export function decode(options: {
  readonly signal: Signal
  readonly encoding: Encoding
  readonly body: Buffer
}): DecodeResult {
  const { signal, encoding, body } = options
  if (body.length === 0) {
    return { status: 'decoded', request: { signal, resources: [], groups: [] } }
  }
  try {
    if (encoding === 'protobuf') return { status: 'decoded', request: decodeProtobuf(signal, body) }
    const text = decodeText(body)
    if (text === undefined) return { status: 'damaged', reason: 'the body is not UTF-8' }
    return { status: 'decoded', request: decodeJson(signal, text) }
  } catch (error) {
    if (error instanceof TooManyRecords) return { status: 'too_many' }
    // A SyntaxError quotes the body, which may hold content: only its kind is told.
    if (error instanceof SyntaxError) return { status: 'damaged', reason: 'the body is not JSON' }
    return { status: 'damaged', reason: error instanceof Error ? error.message : String(error) }
  }
}
