/**
 * Opens an exchange for each request to a model API. If the address may be another app's, the exchange waits for the body. What
 * no API has is looked at for signs of a model.
 */
import { type Context, type Span, SpanKind, trace } from '@opentelemetry/api'
import type { AttributeName } from '@turnlog/conventions'
import { defined } from '@turnlog/conventions/plain'
import type { ModelApi } from '../models/model-api.ts'
import { findModelApi, findPossibleApis } from '../models/model-apis.ts'
import { apiCallOf, contexts, requestOf, runIn, turnOfModelCall } from '../record/contexts.ts'
import type { Recorder } from '../record/recorder.ts'
import { turnHeldBy } from '../record/turn-holds.ts'
import type { OpenExchange } from './exchange.ts'
import { type ExchangeDependencies, ModelExchange } from './model-exchange.ts'
import { isModelCall, withinOwnSpans } from './own-spans.ts'
import { UndecidedExchange } from './undecided-exchange.ts'
import { openUnknown } from './unknown-exchange.ts'

/** What opens exchanges, and what they need. */
export interface OpeningDependencies extends ExchangeDependencies {
  /** A model is called, perhaps in the current context. */
  readonly modelCalled: () => void
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export function createExchanges(dependencies: OpeningDependencies): OpenExchange {
  const { now, clock } = dependencies
  const exchangeCounts = new WeakMap<Span, number>()

  return (method, url, facts = {}) => {
    const parsed = URL.parse(url)
    if (parsed === null) return undefined
    const api = findModelApi(method, parsed)
    if (api !== undefined) return open(api, parsed)
    const apis = findPossibleApis(method, parsed)
    const unknown = () => openUnknown(dependencies, { method, url: parsed, ...facts })
    if (apis.length === 0) return unknown()
    const active = contexts.active()
    const started = { at: now(), byClock: clock() }
    return new UndecidedExchange(apis, (decided) =>
      decided === undefined ? unknown() : runIn(active, () => open(decided, parsed, started)),
    )
  }

  /** `started`: when the request began, if that was before. */
  function open(api: ModelApi, url: URL, started?: ExchangeStart): ModelExchange {
    dependencies.modelCalled()
    dependencies.unseen.sawModel()
    const active = contexts.active()
    const around = trace.getSpan(active)
    const native = around !== undefined && isModelCall(around) ? around : undefined
    const candidate = (native && turnHeldBy(native)) ?? turnOfModelCall(active)
    const at = started?.at ?? dependencies.now()
    const from = withinOwnSpans(active, candidate)
    const span =
      native ?? startSpan(dependencies.recorder, { api, url, from, startedAt: started?.at })
    const number = (exchangeCounts.get(span) ?? 0) + 1
    exchangeCounts.set(span, number)
    return new ModelExchange(dependencies, {
      api,
      url: url.href,
      startedAt: started?.byClock ?? clock(),
      at,
      span,
      isOwn: native === undefined,
      number,
      candidate,
      request: requestOf(active),
      apiCall: apiCallOf(active),
      active,
    })
  }
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
