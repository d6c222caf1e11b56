/**
 * `POST /api/v1/events`: plain events, for clients without OpenTelemetry.
 *
 * Authenticate → read → plan → the same batches and the same landing as OTLP → an answer for each event
 * after commit. 200 says that each was looked at: one that is wrong is rejected alone. 4xx means that
 * the request can never be read, 503 that it may be later, and 500 is never answered.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Counters, Counts } from '../counters.ts'
import { type Planned, planEvents } from '../events/plan.ts'
import { requireAccess } from '../http/access.ts'
import { busy, type Refusal, readBody, refusalOf } from '../http/body.ts'
import type { Capacity, Lease } from '../http/capacity.ts'
import { readBodiesThemselves, refuse, refuseOtherMethods } from '../http/refuse.ts'
import type { Keeping } from '../keeping.ts'
import { toBatch } from '../otlp/rows/rows.ts'
import { costMax, costOfJson, recordBytes } from '../otlp/wire/cost.ts'
import { parseJson } from '../otlp/wire/parse-json.ts'
import { recordsMax } from '../otlp/wire/record-limit.ts'
import { encodingOf } from '../otlp/wire/respond.ts'
import { decodeText } from '../otlp/wire/text.ts'
import { type ClaimOutcome, type Database, land } from '../storage/index.ts'

export interface EventsOptions {
  readonly database: Database
  readonly capacity: Capacity
  readonly counters: Counters
  readonly bodyBytesMax: number
  readonly keeping: Keeping
  readonly onWell: () => void
}

const url = '/api/v1/events'

const tooManyValues: Refusal = {
  httpStatus: 413,
  message: `The body holds too many values, or more than ${recordsMax} events: send it in parts.`,
}
const notUtf8 = refusalOfBody('The body is not UTF-8.')
const notJson = refusalOfBody(
  'The body is not JSON: it takes one array of events, or one event, also where there is one on each line.',
)
const noEvents = refusalOfBody('The body is neither an array of events nor an event.')
const wrongType: Refusal = {
  httpStatus: 415,
  message: 'The content type must be application/json.',
}

function refusalOfBody(message: string): Refusal {
  return { httpStatus: 400, message }
}

export function eventRoutes(app: FastifyInstance, options: EventsOptions): void {
  readBodiesThemselves(app)
  app.post(url, (request, reply) => receive({ request, reply, ...options }))
  refuseOtherMethods(app, url)
}

interface Receiving extends EventsOptions {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

async function receive(options: Receiving): Promise<FastifyReply> {
  const { request, reply, database, capacity, bodyBytesMax } = options
  const access = await requireAccess(request, reply, { database, scopes: ['ingest', 'gateway'] })
  if (access === undefined) return reply
  if (encodingOf(request.headers['content-type']) !== 'json') {
    return refuse(request, reply, wrongType)
  }
  const lease = capacity.open()
  try {
    const read = await readBody(request.raw, { bytesMax: bodyBytesMax, lease })
    if (read.status === 'aborted') return reply.hijack()
    if (read.status !== 'read') {
      return refuse(request, reply, refusalOf(read, { bytesMax: bodyBytesMax }))
    }
    const decoded = decodeEvents(read.body, lease)
    if (decoded.status === 'refused') return refuse(request, reply, decoded.refusal)
    const userId = access.scope === 'gateway' ? undefined : access.userId
    const results = await landEvents(decoded.values, { ...options, teamId: access.teamId, userId })
    const counts = countsOf(results)
    options.counters.add(counts)
    options.onWell()
    return reply.send({ ...counts, results })
  } finally {
    lease.release()
  }
}

type Decoded =
  | { readonly status: 'decoded'; readonly values: readonly unknown[] }
  | { readonly status: 'refused'; readonly refusal: Refusal }

function decodeEvents(body: Buffer, lease: Lease): Decoded {
  const refused = (refusal: Refusal): Decoded => ({ status: 'refused', refusal })
  const cost = costOfJson(body)
  if (cost > costMax) return refused(tooManyValues)
  if (!lease.take(cost)) return refused(busy)
  const text = decodeText(body)
  if (text === undefined) return refused(notUtf8)
  const value = jsonOf(text)
  if (value === undefined) return refused(notJson)
  if (typeof value !== 'object' || value === null) return refused(noEvents)
  const values = Array.isArray(value) ? value : [value]
  if (values.length > recordsMax) return refused(tooManyValues)
  if (!lease.take(values.length * recordBytes)) return refused(busy)
  return { status: 'decoded', values }
}

/** Undefined when the text is none. What is wrong with it is not told: that would quote it. */
function jsonOf(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
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
  {
    database,
    teamId,
    userId,
    keeping,
  }: EventsOptions & { readonly teamId: string; readonly userId: string | undefined },
): Promise<readonly EventResult[]> {
  const period = await keeping.landingPeriod()
  const { events, requests } = planEvents(values, { sender: { teamId, userId }, period })
  const outcomes = new Map<string, ClaimOutcome>()
  for (const request of [requests.traces, requests.logs]) {
    const batch = toBatch(request, { period, userId })
    if (batch.items.length + batch.rejects.length === 0) continue
    const { claims } = await land(database, { teamId, batch })
    for (const [id, outcome] of claims) outcomes.set(id, outcome)
  }
  return resultsOf(events, outcomes)
}

const anotherLanded = 'another event with this id, or in its place, has landed before'

function resultsOf(
  events: readonly Planned[],
  outcomes: ReadonlyMap<string, ClaimOutcome>,
): readonly EventResult[] {
  /** What is there under each claim. */
  const landed = new Map<string, string | undefined>()
  return events.map((planned, index) => {
    if (planned.status === 'rejected') return { index, ...planned }
    const { hash, isRepeated } = planned
    const { claim, eventId, sessionId, traceId, spanId } = planned.place
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

/** Does not happen: whatever is planned is landed, or thrown. */
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
