/**
 * What every route of Jaeger's API has in common: who may read, how many at once, for how long, and that a read ends
 * when nobody waits for it any more. Whatever goes wrong is answered as the version of the API words it, never by 500.
 */
import { pipeline, Readable } from 'node:stream'
import { constants, createGzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { acceptsGzip } from '../../http/accepts-gzip.ts'
import { requireAccess } from '../../http/access.ts'
import { failureOf } from '../../storage/failures.ts'
import type { Database, Reader } from '../../storage/index.ts'
import type { ReadOptions } from '../read/read-contents.ts'
import { BusyError, type Gate } from './gate.ts'

export interface ServeOptions {
  readonly database: Database
  /** What answers read with: in turns. */
  readonly reader: Reader
  /** How many answers there are at once, read slowly or not. */
  readonly answers: Gate
  readonly readSecondsMax: number
  readonly pageHosts: readonly string[]
  readonly onUnwell: (error: unknown) => void
}

/** Words a failure as the version of the API does. */
export type Failure = (status: number, message: string) => object

/** The body as JSON text, at once or in pieces. */
export type Answer =
  | { readonly status: number; readonly body: string }
  | { readonly status: 200; readonly pieces: AsyncIterable<string> }

/** A client that takes nothing of an answer for so long has left, whatever its connection says. */
const idleMs = 120_000
const busyRetrySeconds = 1
const unwellRetrySeconds = 5
/** SQLSTATE of a statement that the server ended: it took too long. */
const queryCanceled = '57014'

interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly failure: Failure
}

export async function serve(
  exchange: Exchange,
  options: ServeOptions & { readonly answer: (read: ReadOptions) => Promise<Answer> },
): Promise<FastifyReply> {
  const { request, reply, failure } = exchange
  const { database, reader, answers, pageHosts, readSecondsMax } = options
  const access = await requireAccess(request, reply, {
    database,
    scopes: ['read'],
    pageHosts,
    refusal: failure,
  })
  if (access === undefined) return reply
  const signal = signalOf(reply)
  const leave = await answers.enter(signal)
  if (leave === undefined) return sendBusy(exchange)
  let isStreamed = false
  try {
    const { teamId } = access
    const withinMs = readSecondsMax * 1_000
    const answer = await options.answer({ database: reader, teamId, withinMs, signal })
    reply.type('application/json; charset=utf-8')
    if (!('pieces' in answer)) return reply.code(answer.status).send(answer.body)
    const pieces = Readable.from(answer.pieces)
    pieces.once('close', leave)
    isStreamed = true
    reply.raw.setTimeout(idleMs, () => reply.raw.destroy())
    reply.header('vary', 'accept-encoding')
    if (!acceptsGzip(request.headers['accept-encoding'])) return reply.send(pieces)
    reply.header('content-encoding', 'gzip')
    return reply.send(zipped(pieces))
  } finally {
    if (!isStreamed) leave()
  }
}

/** Quickly rather than well: who views a trace is waiting for it. */
function zipped(pieces: Readable): Readable {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED })
  // What breaks is told by the stream that is sent.
  return pipeline(pieces, gzip, () => undefined)
}

/** Given when the client has left before its answer was whole. */
function signalOf({ raw }: FastifyReply): AbortSignal {
  const left = new AbortController()
  raw.once('close', () => {
    if (!raw.writableFinished) left.abort(new Error('The client has left.'))
  })
  return left.signal
}

/** Answers what a handler, or the framework before it, has thrown. */
export function refuse(
  exchange: Exchange & Pick<ServeOptions, 'onUnwell' | 'readSecondsMax'>,
  error: unknown,
): FastifyReply {
  const { reply, onUnwell, readSecondsMax } = exchange
  if (reply.raw.destroyed) return reply.hijack()
  reply.removeHeader('content-encoding')
  if (error instanceof BusyError) return sendBusy(exchange)
  const clientStatus = clientStatusOf(error)
  if (clientStatus !== undefined) {
    return sendFailure(exchange, clientStatus, 'The request cannot be read.')
  }
  const failure = failureOf(error)
  if (failure.kind === 'data') {
    return sendFailure(exchange, 400, `This cannot be searched for (${failure.sqlState}).`)
  }
  if (failure.sqlState === queryCanceled) {
    const message = `It took longer than ${readSecondsMax} s: ask for less time, or for fewer traces.`
    return sendFailure(exchange, 504, message)
  }
  onUnwell(error)
  reply.header('retry-after', String(unwellRetrySeconds))
  return sendFailure(exchange, 503, 'The database cannot be read now.')
}

function sendBusy(exchange: Exchange): FastifyReply {
  exchange.reply.header('retry-after', String(busyRetrySeconds))
  return sendFailure(exchange, 503, 'Too much is being read at once.')
}

function sendFailure(
  { reply, failure }: Pick<Exchange, 'reply' | 'failure'>,
  status: number,
  message: string,
): FastifyReply {
  return reply
    .code(status)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(failure(status, message)))
}

function clientStatusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined
  const { statusCode } = error
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
    ? statusCode
    : undefined
}
