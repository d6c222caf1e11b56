/**
 * Opens an exchange for each request to a model API. If the address may be another app's, or the request another attempt of a call
 * that has failed, the exchange waits for the body. What no API has is looked at for signs of a model.
 */
import { type Context, type Span, SpanKind, trace } from '@opentelemetry/api'
import type { AttributeName } from '@turnlog/conventions'
import { viewOf } from '@turnlog/conventions/content/text'
import { defined } from '@turnlog/conventions/plain'
import type { ModelApi } from '../models/model-api.ts'
import { findModelApi, findPossibleApis } from '../models/model-apis.ts'
import { apiCallOf, contexts, requestOf, runIn, turnOfModelCall } from '../record/contexts.ts'
import type { Recorder } from '../record/recorder.ts'
import { holdWhileOpen, resumeHold, turnHeldBy } from '../record/turn-holds.ts'
import type { Exchange, OpenExchange } from './exchange.ts'
import type { ExchangeDependencies, ExchangeFacts } from './exchange-facts.ts'
import { ModelExchange } from './model-exchange.ts'
import type { OwnServers } from './own-servers.ts'
import { isModelCall, withinOwnSpans } from './own-spans.ts'
import { type AttemptPlace, type FailedCall, parentIdOf, retriedBytesMax } from './retried-calls.ts'
import { UndecidedExchange } from './undecided-exchange.ts'
import { openUnknown } from './unknown-exchange.ts'

/** Until its body is known, a request is held: images make it long. A longer one is not recognised by its body. */
const heldBytesMax = 64 * 1024 ** 2

/** Other bodies, such as files, are no requests to a model. */
function isObjectBegun(piece: string | Uint8Array): boolean {
  const head = piece.slice(0, 64)
  return /^\s*(?:\{|$)/.test(typeof head === 'string' ? head : viewOf(head).toString('latin1'))
}

/** What opens exchanges, and what they need. */
export interface OpeningDependencies extends ExchangeDependencies {
  readonly ownServers: OwnServers
  /** A model is called, perhaps in the current context. */
  readonly modelCalled: () => void
}

export function createExchanges(dependencies: OpeningDependencies): OpenExchange {
  const { now, clock, retries } = dependencies
  const exchangeCounts = new WeakMap<Span, number>()

  return (method, url, facts = {}) => {
    const parsed = URL.parse(url)
    if (parsed === null) return undefined
    const poll = dependencies.backgroundAnswers.open(method, parsed)
    if (poll !== undefined) return poll
    const api = findModelApi(method, parsed)
    if (api !== undefined) return open(api, parsed)
    const apis = findPossibleApis(method, parsed)
    const active = contexts.active()
    const unknown = () =>
      openUnknown(dependencies, {
        ...facts,
        method,
        url: parsed,
        isRecorded: () => modelCallAround(active) !== undefined,
      })
    if (apis.length === 0) return unknown()
    const started = { at: now(), byClock: clock() }
    const decide = (body: Uint8Array): Exchange | undefined => {
      const decided = apis.find((each) => each.isRequest(body))
      if (decided === undefined) return unknown()
      return runIn(active, () => open(decided, parsed, { started, body }))
    }
    return new UndecidedExchange(decide, { heldBytesMax, isHeld: isObjectBegun })
  }

  /** `started`: when the request began, if that was before; `body`: if it is known already. */
  function open(
    api: ModelApi,
    url: URL,
    { started, body }: { started?: ExchangeStart; body?: Uint8Array } = {},
  ): Exchange {
    dependencies.modelCalled()
    dependencies.unseen.sawModel()
    const active = contexts.active()
    const parent = trace.getSpan(active)
    const since = started ?? { at: now(), byClock: clock() }
    const native = modelCallAround(active)
    if (native !== undefined) {
      const candidate = turnHeldBy(native) ?? turnOfModelCall(active)
      retries.resume(native)
      const place = { api, url: url.href, turn: candidate, parent: parentIdOf(native) }
      const openNative = (failed: FailedCall | undefined): ModelExchange => {
        if (failed !== undefined) replace(failed, native)
        return make({ api, url, active, candidate, span: native, isOwn: false, since })
      }
      return openAttempt(place, body, openNative)
    }
    const candidate = turnOfModelCall(active)
    const place = { api, url: url.href, turn: candidate, parent: parentIdOf(parent) }
    const openOwn = (failed: FailedCall | undefined): ModelExchange => {
      if (failed !== undefined) resumeHold(failed.span)
      const from = withinOwnSpans(active, candidate)
      const facts = { api, url, from, startedAt: started?.at }
      const span = failed?.span ?? startSpan(dependencies.recorder, facts)
      return make({ api, url, active, candidate, span, isOwn: true, since, failed })
    }
    return openAttempt(place, body, openOwn)
  }

  /** The body shows whether the request is another attempt of a call that has failed. */
  function openAttempt(
    place: AttemptPlace,
    body: Uint8Array | undefined,
    openWith: (failed: FailedCall | undefined) => Exchange,
  ): Exchange {
    if (!retries.isAwaited(place)) return openWith(undefined)
    if (body !== undefined) return openWith(retries.take(place, body))
    const active = contexts.active()
    const decide = (sent: Uint8Array): Exchange =>
      runIn(active, () => openWith(retries.take(place, sent)))
    return new UndecidedExchange(decide, { heldBytesMax: retriedBytesMax })
  }

  /** A library has a span of its own for each attempt, and does not end that of a failed one: the call is the last one's. */
  function replace(failed: FailedCall, native: Span): void {
    holdWhileOpen(failed.span, undefined)
    dependencies.recorder.discard(failed.span.spanContext().spanId)
    exchangeCounts.set(native, failed.number)
  }

  function make({ url, since, ...facts }: OpenedCall): ModelExchange {
    const { span, active } = facts
    const number = (exchangeCounts.get(span) ?? 0) + 1
    exchangeCounts.set(span, number)
    return new ModelExchange(dependencies, {
      ...facts,
      url: url.href,
      startedAt: since.byClock,
      at: since.at,
      number,
      request: requestOf(active),
      apiCall: apiCallOf(active),
    })
  }
}

interface OpenedCall
  extends Pick<ExchangeFacts, 'api' | 'active' | 'candidate' | 'span' | 'isOwn' | 'failed'> {
  readonly url: URL
  readonly since: ExchangeStart
}

/** The model call, recorded by the SDK that makes it, in whose context a request is sent. */
function modelCallAround(active: Context): Span | undefined {
  const around = trace.getSpan(active)
  return around !== undefined && isModelCall(around) ? around : undefined
}

interface ExchangeStart {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly byClock: number
}

interface SpanFacts {
  readonly api: ModelApi
  readonly url: URL
  readonly from: Context
  /** Milliseconds since 1970; `undefined`: now. */
  readonly startedAt: number | undefined
}

function startSpan({ tracer }: Recorder, { api, url, from, startedAt }: SpanFacts): Span {
  const attributes = {
    'gen_ai.operation.name': api.operation,
    'gen_ai.provider.name': api.provider(url),
    'server.address': url.hostname,
    'server.port': Number(url.port) || (url.protocol === 'http:' ? 80 : 443),
  } satisfies { [Name in AttributeName]?: string | number }
  const options = { kind: SpanKind.CLIENT, attributes, ...defined({ startTime: startedAt }) }
  return tracer.startSpan(api.operation, options, from)
}
