/**
 * `POST /v1/traces`, `/v1/logs`, `/v1/metrics`: authenticate → read → decode → rows → land → answer after commit.
 *
 * The status is the contract: clients send again after 503, and drop a request answered 400, 401, 403, 413 or 500. So 4xx
 * means that the request can never land, 503 that it may later, and 500 is never answered.
 */
import { ledgerCommitted, ledgerHeader } from '@turnlog/conventions'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Counters } from '../counters.ts'
import { requireAccess, userOf } from '../http/access.ts'
import { removeBodyParsers, withBody } from '../http/body.ts'
import type { Capacity, Lease } from '../http/capacity.ts'
import {
  badRequest,
  busy,
  type Exchange,
  type FailureFormat,
  type Refusal,
  refuse,
  refuseError,
  refuseOtherMethods,
} from '../http/refuse.ts'
import type { Keeping } from '../keeping.ts'
import { toBatch } from '../otlp/rows/rows.ts'
import { decode } from '../otlp/wire/decode.ts'
import { costMax, costOf, recordBytes, recordsMax } from '../otlp/wire/limits.ts'
import { type Encoding, type Signal, signals } from '../otlp/wire/request.ts'
import { encodingOf, failure, success } from '../otlp/wire/respond.ts'
import type { Database } from '../storage/database.ts'
import { land } from '../storage/land/land.ts'

export interface OtlpOptions {
  readonly database: Database
  readonly capacity: Capacity
  readonly counters: Counters
  readonly bodyBytesMax: number
  readonly keeping: Keeping
  /** Called for every request that the database did not take. */
  readonly onUnwell: (error: unknown) => void
  readonly onWell: () => void
}

const tooManyValues: Refusal = {
  httpStatus: 413,
  message: `The body holds too many values, or more than ${recordsMax} records: send it in parts.`,
}
const wrongType: Refusal = {
  httpStatus: 415,
  message: 'The content type must be application/x-protobuf or application/json.',
}

/** `google.rpc.Status` in the request's encoding. */
const format: FailureFormat = ({ rpcCode, message }, request) =>
  failure({ encoding: encodingOf(request.headers['content-type']) ?? 'json', rpcCode, message })

export function otlpRoutes(app: FastifyInstance, options: OtlpOptions): void {
  const { onUnwell } = options
  removeBodyParsers(app)
  app.setErrorHandler((error, request, reply) => {
    const message = 'The request cannot be landed now.'
    return refuseError({ request, reply, format }, error, { message, onUnwell })
  })
  for (const signal of signals) {
    const url = `/v1/${signal}`
    app.post(url, (request, reply) => receive(signal, { request, reply, format }, options))
    refuseOtherMethods(app, url, format)
  }
}

async function receive(
  signal: Signal,
  exchange: Exchange,
  options: OtlpOptions,
): Promise<FastifyReply> {
  const { database, capacity, bodyBytesMax: bytesMax } = options
  const access = await requireAccess(exchange, { database, scopes: ['ingest', 'gateway'] })
  if (access === undefined) return exchange.reply
  const encoding = encodingOf(exchange.request.headers['content-type'])
  if (encoding === undefined) return refuse(exchange, wrongType)
  const sender = { teamId: access.teamId, userId: userOf(access) }
  return withBody(exchange, { capacity, bytesMax }, (body, lease) =>
    landBody({ signal, encoding, body }, exchange, { ...options, ...sender, lease }),
  )
}

async function landBody(
  sent: { readonly signal: Signal; readonly encoding: Encoding; readonly body: Buffer },
  exchange: Exchange,
  options: OtlpOptions & {
    readonly teamId: string
    readonly userId: string | undefined
    readonly lease: Lease
  },
): Promise<FastifyReply> {
  const { database, keeping, counters, onWell, teamId, userId, lease } = options
  const cost = costOf(sent)
  if (cost > costMax) return refuse(exchange, tooManyValues)
  if (!lease.take(cost)) return refuse(exchange, busy)
  const decoded = decode(sent)
  if (decoded.status === 'too_many') return refuse(exchange, tooManyValues)
  if (decoded.status === 'damaged') {
    return refuse(exchange, badRequest(`The body is not an OTLP request: ${decoded.reason}.`))
  }
  const count = decoded.request.groups.reduce((sum, { records }) => sum + records.length, 0)
  if (!lease.take(count * recordBytes)) return refuse(exchange, busy)
  const period = await keeping.landingPeriod()
  const batch = toBatch(decoded.request, { period, userId })
  const result = await land(database, { teamId, batch })
  counters.add(result)
  onWell()
  const { contentType, body } = success({ ...sent, reasons: result.reasons })
  return exchange.reply
    .header(ledgerHeader, ledgerCommitted)
    .header('content-type', contentType)
    .send(body)
}
