/**
 * Reads a request's body, decompressing it as it arrives, in bounded memory: its bytes are taken from a lease.
 *
 * Whatever the outcome, the request can be read to its end and its socket stays open, so that the answer reaches a client
 * that is still sending.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { createGunzip, createInflate, createZstdDecompress } from 'node:zlib'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Capacity, Lease } from './capacity.ts'
import { badRequest, busy, type Exchange, type Refusal, refuse } from './refuse.ts'

/** Keeps the framework from reading bodies: `withBody` reads them. */
export function removeBodyParsers(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
}

/** Reads the body and has it answered; refuses a body that cannot be read. The lease ends with the answer. */
export async function withBody(
  exchange: Exchange,
  { capacity, bytesMax }: { readonly capacity: Capacity; readonly bytesMax: number },
  answer: (body: Buffer<ArrayBuffer>, lease: Lease) => Promise<FastifyReply>,
): Promise<FastifyReply> {
  const lease = capacity.open()
  try {
    const read = await readBody(exchange.request.raw, { bytesMax, lease })
    // The client has closed the connection: there is nobody to answer.
    if (read === 'aborted') return exchange.reply.hijack()
    if ('httpStatus' in read) return refuse(exchange, read)
    return await answer(read, lease)
  } finally {
    lease.release()
  }
}

type BodyResult = Buffer<ArrayBuffer> | Refusal | 'aborted'

function readBody(
  request: IncomingMessage,
  options: { readonly bytesMax: number; readonly lease: Lease },
): Promise<BodyResult> {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? ''
  const decompressor = decompressors.get(encoding)?.()
  if (decompressor === undefined && encoding !== '' && encoding !== 'identity') {
    return Promise.resolve(unknownEncoding)
  }
  return new Promise((resolve) => {
    const { bytesMax, lease } = options
    const chunks: Buffer[] = []
    let bytes = 0
    let bytesReceived = 0
    let isSettled = false

    function settle(result: BodyResult): void {
      if (isSettled) return
      isSettled = true
      chunks.length = 0
      if (decompressor) {
        request.unpipe(decompressor)
        decompressor.destroy()
      }
      request.resume()
      resolve(result)
    }

    function finish(): void {
      settle(Buffer.concat(chunks, bytes))
    }

    function receive(chunk: Buffer): void {
      if (isSettled) return
      if (bytes + chunk.length > bytesMax) {
        const message = `The body is larger than ${bytesMax} bytes after decompression.`
        settle({ httpStatus: 413, message })
      } else if (lease.take(chunk.length)) {
        bytes += chunk.length
        chunks.push(chunk)
      } else {
        settle(busy)
      }
    }

    request.on('error', () => settle('aborted'))
    // `close` also follows a complete request, which may still be in the decompressor.
    request.on('close', () => {
      if (!request.complete) settle('aborted')
    })
    if (decompressor === undefined) {
      request.on('data', receive)
      request.on('end', finish)
      return
    }
    request.on('data', (chunk: Buffer) => {
      bytesReceived += chunk.length
    })
    // No bytes are an empty body, whatever the content encoding.
    request.on('end', () => {
      if (bytesReceived === 0) finish()
    })
    decompressor.on('data', receive)
    decompressor.on('end', finish)
    decompressor.on('error', () => settle(damaged))
    request.pipe(decompressor)
  })
}

const damaged = badRequest('The body cannot be decompressed.')
const unknownEncoding: Refusal = {
  httpStatus: 415,
  message: 'The content encoding must be gzip, zstd or deflate.',
}

const decompressors: ReadonlyMap<string, () => Duplex> = new Map<string, () => Duplex>([
  ['gzip', () => createGunzip()],
  ['x-gzip', () => createGunzip()],
  ['deflate', () => createInflate()],
  ['zstd', () => createZstdDecompress()],
])
