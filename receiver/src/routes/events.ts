/**
 * `POST /api/v1/events`: plain events, for clients without OpenTelemetry.
 *
 * Authenticate → read → plan → the same batches and the same landing as OTLP → one result for each event, after commit. 200
 * means that each event was looked at: a wrong one is rejected alone. 4xx means that the request can never be read, 503 that
 * it may be later, and 500 is never answered.
 */
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Counts } from '../counters.ts'
import type { Sender } from '../events/event-ids.ts'
import { type Planned, planEvents } from '../events/plan.ts'
import { requireAccess, userOf } from '../http/access.ts'
import { removeBodyParsers, withBody } from '../http/body.ts'
import type { Lease } from '../http/capacity.ts'
import {
  busy,
  type Exchange,
  malformed,
  plainFormat,
  type Refusal,
  RefusedError,
  refuse,
  refuseOtherMethods,
} from '../http/refuse.ts'
import { toBatch } from '../otlp/rows/rows.ts'
import { tryParseJson } from '../otlp/wire/json.ts'
import { costMax, costOfJson, recordBytes, recordsMax } from '../otlp/wire/limits.ts'
import { encodingOf } from '../otlp/wire/respond.ts'
import { decodeText } from '../otlp/wire/text.ts'
import type { ClaimOutcome } from '../storage/land/claims.ts'
import { land } from '../storage/land/land.ts'
import type { OtlpOptions } from './otlp.ts'

type EventsOptions = Omit<OtlpOptions, 'onUnwell'>

const url = '/api/v1/events'

const tooManyValues: Refusal = {
  httpStatus: 413,
  message: `The body holds too many values, or more than ${recordsMax} events: send it in parts.`,
}
const notJson =
  'The body is not JSON: send one array of events, or one event. An event on each line is not JSON.'
const wrongType: Refusal = {
  httpStatus: 415,
  message: 'The content type must be application/json.',
}

export function eventRoutes(app: FastifyInstance, options: EventsOptions): void {
  removeBodyParsers(app)
  app.post(url, (request, reply) => receive({ request, reply, format: plainFormat }, options))
  refuseOtherMethods(app, url)
}

async function receive(exchange: Exchange, options: EventsOptions): Promise<FastifyReply> {
  const { request, reply } = exchange
  const { database, capacity, counters, bodyBytesMax: bytesMax } = options
  const access = await requireAccess(exchange, { database, scopes: ['ingest', 'gateway'] })
  if (access === undefined) return reply
  if (encodingOf(request.headers['content-type']) !== 'json') return refuse(exchange, wrongType)
  return withBody(exchange, { capacity, bytesMax }, async (body, lease) => {
    const values = decodeEvents(body, lease)
    const sender = { teamId: access.teamId, userId: userOf(access) }
    const results = await landEvents(values, { ...options, sender })
    const counts = countsOf(results)
    counters.add(counts)
    options.onWell()
    return reply.send({ ...counts, results })
  })
}

function decodeEvents(body: Buffer, lease: Lease): readonly unknown[] {
  const cost = costOfJson(body)
  if (cost > costMax) throw new RefusedError(tooManyValues)
  if (!lease.take(cost)) throw new RefusedError(busy)
  const text = decodeText(body)
  if (text === undefined) throw malformed('The body is not UTF-8.')
  const value = tryParseJson(text)
  if (value === undefined) throw malformed(notJson)
  if (typeof value !== 'object' || value === null) {
    throw malformed('The body is neither an array of events nor an event.')
  }
  const values = Array.isArray(value) ? value : [value]
  if (values.length > recordsMax) throw new RefusedError(tooManyValues)
  if (!lease.take(values.length * recordBytes)) throw new RefusedError(busy)
  return values
}

interface EventResult {
  readonly index: number
  readonly status: ClaimOutcome['status']
  readonly eventId?: string
  readonly sessionId?: string
  readonly traceId?: string
  readonly spanId?: string
  readonly reason?: string
}

async function landEvents(
  values: readonly unknown[],
  { database, keeping, sender }: EventsOptions & { readonly sender: Sender },
): Promise<readonly EventResult[]> {
  const { teamId, userId } = sender
  const period = await keeping.landingPeriod()
  const { events, requests } = planEvents(values, { sender, period })
  const outcomes = new Map<string, ClaimOutcome>()
  for (const request of [requests.traces, requests.logs]) {
    const batch = toBatch(request, { period, userId })
    if (batch.items.length + batch.rejects.length === 0) continue
    const { claims } = await land(database, { teamId, batch })
    for (const [id, outcome] of claims) outcomes.set(id, outcome)
  }
  return resultsOf(events, outcomes)
}

const anotherLanded = 'another event with this id, or with the same key, has landed before'

function resultsOf(
  events: readonly Planned[],
  outcomes: ReadonlyMap<string, ClaimOutcome>,
): readonly EventResult[] {
  /** By claim, the hash of the event that has landed. */
  const landed = new Map<string, string | undefined>()
  return events.map((planned, index) => {
    if (planned.status === 'rejected') return { index, ...planned }
    const { hash, isRepeated } = planned
    const { claim, eventId, sessionId, traceId, spanId } = planned.ids
    const outcome = outcomes.get(claim) ?? lost
    if (!isRepeated) landed.set(claim, outcome.status === 'duplicate' ? outcome.hash : hash)
    const status = isRepeated && outcome.status === 'landed' ? 'duplicate' : outcome.status
    const isOther = status === 'duplicate' && landed.get(claim) !== hash
    const reason =
      outcome.status === 'rejected' ? outcome.reason : isOther ? anotherLanded : undefined
    return {
      index,
      status,
      eventId,
      ...(sessionId === null ? {} : { sessionId }),
      ...(traceId === '' ? {} : { traceId }),
      ...(spanId === '' ? {} : { spanId }),
      ...(reason === undefined ? {} : { reason }),
    }
  })
}

/** Does not happen: a planned event is landed, or landing throws. */
const lost: ClaimOutcome = { status: 'rejected', reason: 'the event was not landed' }

/** received = landed + duplicate + rejected. */
function countsOf(results: readonly EventResult[]): Counts {
  const count = (status: EventResult['status']) =>
    results.reduce((sum, result) => (result.status === status ? sum + 1 : sum), 0)
  return {
    received: results.length,
    landed: count('landed'),
    duplicate: count('duplicate'),
    rejected: count('rejected'),
  }
}
