/** The bytes of an OTLP request → the request, or why they cannot be read. */
import type { Buffer } from 'node:buffer'
import { parseJson } from './json.ts'
import { TooManyRecords } from './limits.ts'
import { decodeMessage, messageType } from './protobuf-schema.ts'
import { readRequest } from './read-request.ts'
import type { DecodeResult, Encoding, OtlpRequest, Signal } from './request.ts'
import { decodeText } from './text.ts'

const requestTypes = {
  traces: messageType('ExportTraceRequest'),
  logs: messageType('ExportLogsRequest'),
  metrics: messageType('ExportMetricsRequest'),
} as const satisfies Record<Signal, object>

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
    if (encoding === 'protobuf') {
      const message = decodeMessage(requestTypes[signal], body)
      return { status: 'decoded', request: readRequest(signal, message) }
    }
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

/** Throws when the text is not JSON, or not a request. */
export function decodeJson(signal: Signal, text: string): OtlpRequest {
  return readRequest(signal, parseJson(text))
}
