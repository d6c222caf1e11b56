/**
 * Serves one request of Jaeger's API: checks who may read, limits how many answers there are at once and how long they
 * take, and ends a read when its client has left. Failures are worded as the version of the API does, never 500.
 */

import { Readable } from 'node:stream'
import { constants } from 'node:zlib'
import { isObject } from '@turnlog/conventions/plain'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { requireAccess } from '../http/access.ts'
import type { Gate } from '../http/gate.ts'
import {
  badRequest,
  clientStatusOf,
  type Exchange,
  jsonType,
  refuse,
  refuseError,
} from '../http/refuse.ts'
import { acceptsGzip, gzipped } from '../http/representation.ts'
import type { Database, Reader } from '../storage/database.ts'
import { failureOf } from '../storage/failures.ts'
import { type ReadOptions, tooManyReads } from './read/reader.ts'
import { type LinkTo, linksFrom } from './read/shown-span.ts'

export interface JaegerOptions {
  readonly database: Database
  readonly readsMax: number
  readonly readSecondsMax: number
  /** Bytes of one attribute that are shown whole. */
  readonly attributeBytesMax: number
  readonly pageHosts: readonly string[]
  /** Where people reach this receiver, without a trailing slash; undefined: at the address of their request. */
  readonly publicUrl: string | undefined
  readonly now: () => Date
  readonly onUnwell: (error: unknown) => void
}

export interface RouteOptions extends JaegerOptions {
  get(url: string, answer: (request: JaegerRequest) => Promise<Answer>): void
}

export interface JaegerRequest {
  /** Path and query as they were sent. */
  readonly url: string
  /** The part of the path that matches the route's `*`, decoded. */
  readonly rest: string
  /** Where the answer's links lead. */
  readonly linkTo: LinkTo
  readonly read: ReadOptions
}

/** The body as JSON text, at once or in pieces. */
export type Answer = string | AsyncIterable<string>

/** A client that has taken nothing of an answer for so long has left, even if its connection is open. */
const idleMs = 120_000
/** SQLSTATE of a statement that the server ended because it took too long. */
const queryCanceled = '57014'

export async function serve(
  exchange: Exchange,
  options: JaegerOptions & {
    readonly reader: Reader
    /** Limits answers, however slowly they are read. */
    readonly answers: Gate
    readonly answer: (request: JaegerRequest) => Promise<Answer>
  },
): Promise<FastifyReply> {
  const { request, reply } = exchange
  const { database, reader, answers, pageHosts, readSecondsMax } = options
  const access = await requireAccess(exchange, { database, scopes: ['read'], pageHosts })
  if (access === undefined) return reply
  const signal = signalOf(reply)
  const leave = await answers.enter(signal)
  if (leave === undefined) return refuse(exchange, tooManyReads)
  let isStreamed = false
  try {
    const withinMs = readSecondsMax * 1_000
    const answer = await options.answer({
      url: request.raw.url ?? '',
      rest: restOf(request),
      linkTo: linksFrom(options.publicUrl ?? baseUrlOf(request)),
      read: { database: reader, teamId: access.teamId, withinMs, signal },
    })
    reply.type(jsonType)
    if (typeof answer === 'string') return reply.send(answer)
    const pieces = Readable.from(answer)
    pieces.once('close', leave)
    isStreamed = true
    reply.raw.setTimeout(idleMs, () => reply.raw.destroy())
    reply.header('vary', 'accept-encoding')
    if (!acceptsGzip(request.headers['accept-encoding'])) return reply.send(pieces)
    reply.header('content-encoding', 'gzip')
    // Fast rather than small: a person waits for the trace.
    return reply.send(gzipped(pieces, { level: constants.Z_BEST_SPEED }))
  } finally {
    if (!isStreamed) leave()
  }
}

function restOf({ params }: FastifyRequest): string {
  return isObject(params) && typeof params['*'] === 'string' ? params['*'] : ''
}

/** The address at which the client reached the receiver; empty, for links without one, when `Host` is malformed. */
function baseUrlOf({ headers, protocol }: FastifyRequest): string {
  const { host = '' } = headers
  return /^[\w.:[\]-]+$/.test(host) ? `${protocol}://${host}` : ''
}

/** Aborted when the client leaves before its answer is complete. */
function signalOf({ raw }: FastifyReply): AbortSignal {
  const left = new AbortController()
  raw.once('close', () => {
    if (!raw.writableFinished) left.abort(new Error('The client has left.'))
  })
  return left.signal
}

/** Answers what a handler, or the framework before it, has thrown. */
export function refuseThrown(
  exchange: Exchange,
  error: unknown,
  { onUnwell, readSecondsMax }: JaegerOptions,
): FastifyReply {
  const { reply } = exchange
  if (reply.raw.destroyed) return reply.hijack()
  reply.removeHeader('content-encoding')
  if (clientStatusOf(error) === undefined) {
    const { kind, sqlState } = failureOf(error)
    if (kind === 'data') {
      return refuse(exchange, badRequest(`This cannot be searched for (${sqlState}).`))
    }
    if (sqlState === queryCanceled) {
      const message = `It took longer than ${readSecondsMax} s: ask for less time, or for fewer traces.`
      return refuse(exchange, { httpStatus: 504, message })
    }
  }
  const message = 'The database cannot be read now.'
  return refuseError(exchange, error, { message, onUnwell })
}
