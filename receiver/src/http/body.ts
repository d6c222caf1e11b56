/**
 * Reads a request body, decompressed as it comes, in bounded memory: its bytes are taken from the lease.
 *
 * Whatever the outcome the request is left readable to its end and its socket whole, so that the
 * answer reaches a client that is still sending.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { createGunzip, createInflate, createZstdDecompress } from 'node:zlib'
import type { Lease } from './capacity.ts'

export type BodyResult =
  | { readonly status: 'read'; readonly body: Buffer<ArrayBuffer> }
  | { readonly status: 'too_large' }
  | { readonly status: 'damaged' }
  | { readonly status: 'busy' }
  | { readonly status: 'unknown_encoding' }
  /** The client has gone: there is nobody to answer. */
  | { readonly status: 'aborted' }

export function readBody(
  request: IncomingMessage,
  options: { readonly bytesMax: number; readonly lease: Lease },
): Promise<BodyResult> {
  const encoding = contentEncodingOf(request)
  if (encoding === undefined) {
    request.resume()
    return Promise.resolve({ status: 'unknown_encoding' })
  }
  const decompressor = decompressors[encoding]?.()
  return new Promise((resolve) => {
    const { bytesMax, lease } = options
    const chunks: Buffer[] = []
    let bytes = 0
    let bytesReceived = 0
    let isSettled = false

    function settle(result: BodyResult): void {
      if (isSettled) return
      isSettled = true
      if (result.status !== 'read') chunks.length = 0
      if (decompressor) {
        request.unpipe(decompressor)
        decompressor.destroy()
      }
      request.resume()
      resolve(result)
    }

    function finish(): void {
      settle({ status: 'read', body: Buffer.concat(chunks, bytes) })
    }

    function receive(chunk: Buffer): void {
      if (isSettled) return
      if (bytes + chunk.length > bytesMax) {
        settle({ status: 'too_large' })
      } else if (lease.take(chunk.length)) {
        bytes += chunk.length
        chunks.push(chunk)
      } else {
        settle({ status: 'busy' })
      }
    }

    request.on('error', () => settle({ status: 'aborted' }))
    // Also after a whole request, which may then still be in the decompressor.
    request.on('close', () => {
      if (!request.complete) settle({ status: 'aborted' })
    })
    if (decompressor === undefined) {
      request.on('data', receive)
      request.on('end', finish)
      return
    }
    request.on('data', (chunk: Buffer) => {
      bytesReceived += chunk.length
    })
    // Nothing at all is an empty body, however it is said to be compressed.
    request.on('end', () => {
      if (bytesReceived === 0) finish()
    })
    decompressor.on('data', receive)
    decompressor.on('end', finish)
    decompressor.on('error', () => settle({ status: 'damaged' }))
    request.pipe(decompressor)
  })
}

export interface Refusal {
  readonly httpStatus: number
  readonly message: string
  readonly retrySeconds?: number
}

/** Memory is free sooner than a database heals. */
export const busy = {
  httpStatus: 503,
  message: 'Too much is being received at once.',
  retrySeconds: 1,
} as const satisfies Refusal

/** How a client is told that its body was not read. */
export function refusalOf(
  { status }: Exclude<BodyResult, { status: 'read' | 'aborted' }>,
  { bytesMax }: { readonly bytesMax: number },
): Refusal {
  switch (status) {
    case 'too_large':
      return {
        httpStatus: 413,
        message: `The body is larger than ${bytesMax} bytes after decompression.`,
      }
    case 'damaged':
      return { httpStatus: 400, message: 'The body cannot be decompressed.' }
    case 'unknown_encoding':
      return { httpStatus: 415, message: 'The content encoding must be gzip, zstd or deflate.' }
    case 'busy':
      return busy
  }
}

type ContentEncoding = 'identity' | 'gzip' | 'deflate' | 'zstd'

const decompressors: Partial<Record<ContentEncoding, () => Duplex>> = {
  gzip: () => createGunzip(),
  deflate: () => createInflate(),
  zstd: () => createZstdDecompress(),
}

function contentEncodingOf(request: IncomingMessage): ContentEncoding | undefined {
  switch (request.headers['content-encoding']?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return 'identity'
    case 'gzip':
    case 'x-gzip':
      return 'gzip'
    case 'deflate':
      return 'deflate'
    case 'zstd':
      return 'zstd'
    default:
      return undefined
  }
}
