/** Bytes of Amazon's event stream, as its SDK's decoder takes them: with checksums. */
import { crc32 } from 'node:zlib'

/** `[':event-type', 'chunk']` and so on. */
export type Headers = readonly (readonly [name: string, value: string])[]

export function message(headers: Headers, payload: string): Buffer {
  const head = Buffer.concat(headers.map(header))
  const body = Buffer.from(payload)
  const bytes = Buffer.alloc(12 + head.length + body.length + 4)
  bytes.writeUInt32BE(bytes.length, 0)
  bytes.writeUInt32BE(head.length, 4)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 8)), 8)
  head.copy(bytes, 12)
  body.copy(bytes, 12 + head.length)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, -4)), bytes.length - 4)
  return bytes
}

function header([name, value]: readonly [string, string]): Buffer {
  const bytes = Buffer.alloc(1 + name.length + 3 + Buffer.byteLength(value))
  bytes.writeUInt8(name.length, 0)
  bytes.write(name, 1)
  bytes.writeUInt8(7, 1 + name.length)
  bytes.writeUInt16BE(Buffer.byteLength(value), 2 + name.length)
  bytes.write(value, 4 + name.length)
  return bytes
}

export function eventMessage(type: string, fields: object): Buffer {
  const headers: Headers = [
    [':event-type', type],
    [':content-type', 'application/json'],
    [':message-type', 'event'],
  ]
  return message(headers, JSON.stringify(fields))
}

/** An event of a model's own API, as `invoke-with-response-stream` wraps it. */
export function chunkMessage(event: object): Buffer {
  return eventMessage('chunk', {
    bytes: Buffer.from(JSON.stringify(event)).toString('base64'),
    p: 'abcdefgh',
  })
}

export function exceptionMessage(type: string, text: string): Buffer {
  const headers: Headers = [
    [':exception-type', type],
    [':content-type', 'application/json'],
    [':message-type', 'exception'],
  ]
  return message(headers, JSON.stringify({ message: text }))
}

/** An error that the service does not define: its text is in a header. */
export function errorMessage(code: string, text: string): Buffer {
  const headers: Headers = [
    [':error-code', code],
    [':error-message', text],
    [':message-type', 'error'],
  ]
  return message(headers, '')
}
