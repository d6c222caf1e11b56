/**
 * `POST /v1/traces`, `/v1/logs`, `/v1/metrics`: authenticate → read → decode → rows → land → answer after commit.
 *
 * The status is the contract: clients try again on 503, and drop what gets 400, 401, 403, 413 or 500.
 * So 4xx means that this can never land, 503 that it may, and 500 is never answered.
 */
import { ledgerCommitted, ledgerHeader } from '@turnlog/conventions'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Counters } from '../counters.ts'
import { authenticate, userOf } from '../http/authenticate.ts'
import { busy, readBody, refusalOf } from '../http/body.ts'
import type { Capacity, Lease } from '../http/capacity.ts'
import type { Keeping } from '../keeping.ts'
import { toBatch } from '../otlp/rows/rows.ts'
import { costMax, costOf, recordBytes } from '../otlp/wire/cost.ts'
import { decode, type Encoding } from '../otlp/wire/decode.ts'
import { recordsMax } from '../otlp/wire/record-limit.ts'
import { type Signal, signals } from '../otlp/wire/request.ts'
import { type Answer, encodingOf, failure, success } from '../otlp/wire/respond.ts'
import { type Database, land, type TokenHolder } from '../storage/index.ts'

export interface OtlpOptions {
  readonly database: Database
  readonly capacity: Capacity
  readonly counters: Counters
  readonly bodyBytesMax: number
  readonly keeping: Keeping
  /** Told of every request that the database did not take. */
  readonly onUnwell: (error: unknown) => void
  readonly onWell: () => void
}

const unwellRetrySeconds = 5

const tooManyValues = `The body holds too many values, or more than ${recordsMax} records: send it in parts.`

const otherMethods = ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

export function otlpRoutes(app: FastifyInstance, options: OtlpOptions): void {
  // The body is read by `readBody`, never by a parser of the framework.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.setErrorHandler((error, request, reply) => {
    // What the framework itself refuses is the client's; anything else is ours, and may heal.
    const status = statusOf(error)
    if (status !== undefined) return refuse(request, reply, status, 'The request cannot be read.')
    options.onUnwell(error)
    return comeAgain(request, reply, unwellRetrySeconds, 'The request cannot be landed now.')
  })
  for (const signal of signals) {
    const url = `/v1/${signal}`
    app.post(url, (request, reply) => receive(signal, { request, reply, ...options }))
    app.route({
      method: [...otherMethods],
      url,
      handler: (request, reply) => {
        reply.header('allow', 'POST')
        return refuse(request, reply, 405, `${url} takes POST.`)
      },
    })
  }
}

async function receive(
  signal: Signal,
  options: OtlpOptions & { readonly request: FastifyRequest; readonly reply: FastifyReply },
): Promise<FastifyReply> {
  const { request, reply, database, capacity } = options
  const authentication = await authenticate(database, {
    authorization: request.headers.authorization,
    scopes: ['ingest', 'gateway'],
  })
  if (authentication.status === 'unknown') {
    reply.header('www-authenticate', 'Bearer realm="turnlog"')
    return refuse(request, reply, 401, authentication.reason)
  }
  if (authentication.status === 'forbidden') {
    return refuse(request, reply, 403, authentication.reason)
  }
  const encoding = encodingOf(request.headers['content-type'])
  if (encoding === undefined) {
    const expected = 'The content type must be application/x-protobuf or application/json.'
    return refuse(request, reply, 415, expected)
  }
  const lease = capacity.open()
  try {
    const read = await readBody(request.raw, { bytesMax: options.bodyBytesMax, lease })
    switch (read.status) {
      case 'read': {
        const { holder } = authentication
        return await landBody(signal, { ...options, encoding, body: read.body, holder, lease })
      }
      case 'aborted':
        return reply.hijack()
      default: {
        const { httpStatus, message, retrySeconds } = refusalOf(read, {
          bytesMax: options.bodyBytesMax,
        })
        if (retrySeconds !== undefined) reply.header('retry-after', String(retrySeconds))
        return refuse(request, reply, httpStatus, message)
      }
    }
  } finally {
    lease.release()
  }
}

async function landBody(
  signal: Signal,
  options: OtlpOptions & {
    readonly request: FastifyRequest
    readonly reply: FastifyReply
    readonly encoding: Encoding
    readonly body: Buffer
    readonly holder: TokenHolder
    readonly lease: Lease
  },
): Promise<FastifyReply> {
  const { request, reply, encoding, body, holder, lease } = options
  const cost = costOf({ signal, encoding, body })
  if (cost > costMax) return refuse(request, reply, 413, tooManyValues)
  if (!lease.take(cost)) return comeAgain(request, reply, busy.retrySeconds, busy.message)
  const decoded = decode({ signal, encoding, body })
  if (decoded.status === 'too_many') return refuse(request, reply, 413, tooManyValues)
  if (decoded.status === 'damaged') {
    return refuse(request, reply, 400, `The body is no OTLP request: ${decoded.reason}.`)
  }
  const count = decoded.request.groups.reduce((sum, { records }) => sum + records.length, 0)
  if (!lease.take(count * recordBytes)) {
    return comeAgain(request, reply, busy.retrySeconds, busy.message)
  }
  const period = await options.keeping.landingPeriod()
  const batch = toBatch(decoded.request, { period, userId: userOf(holder) })
  const result = await land(options.database, { teamId: holder.teamId, batch })
  options.counters.add(result)
  options.onWell()
  reply.header(ledgerHeader, ledgerCommitted)
  return send(reply, 200, success({ signal, encoding, reasons: result.reasons }))
}

function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  httpStatus: number,
  message: string,
): FastifyReply {
  // What is still being sent is read and thrown away, so that the answer is read.
  request.raw.resume()
  const encoding = encodingOf(request.headers['content-type']) ?? 'json'
  return send(reply, httpStatus, failure({ encoding, httpStatus, message }))
}

function comeAgain(
  request: FastifyRequest,
  reply: FastifyReply,
  seconds: number,
  message: string,
): FastifyReply {
  reply.header('retry-after', String(seconds))
  return refuse(request, reply, 503, message)
}

function send(reply: FastifyReply, status: number, { contentType, body }: Answer): FastifyReply {
  return reply.code(status).header('content-type', contentType).send(body)
}

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined
  const { statusCode } = error
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
    ? statusCode
    : undefined
}
