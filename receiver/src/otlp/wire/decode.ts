/** The bytes of an OTLP request → the request, or why they cannot be read. */
import type { Buffer } from 'node:buffer'
import { decodeJson } from './decode-json.ts'
import { decodeProtobuf } from './decode-protobuf.ts'
import { TooManyRecords } from './limits.ts'
import type { DecodeResult, Encoding, Signal } from './request.ts'
import { decodeText } from './text.ts'

/** No bytes are an empty request in both encodings. Never throws. */
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
    // The message of a SyntaxError quotes the body, which may hold content.
    if (error instanceof SyntaxError) return { status: 'damaged', reason: 'the body is not JSON' }
    return { status: 'damaged', reason: error instanceof Error ? error.message : String(error) }
  }
}
