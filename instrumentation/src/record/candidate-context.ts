/**
 * The OpenTelemetry context of a candidate: it has no span until the candidate becomes a turn, and the turn's span
 * from then on, also for code that took the context before. And the context of a tool call that the app tells of: what
 * happens in it belongs to the call first, and to the turn through it.
 */
import { type Context, createContextKey, type Span, trace } from '@opentelemetry/api'

const candidateKey = createContextKey('turnlog candidate')
const toldCallKey = createContextKey('turnlog told tool call')
/** The key the API keeps a span under; it is private to the API, so it is found by looking. */
const spanKey = findSpanKey()

/** What a candidate's context needs to know of it. */
export interface WithSpan {
  readonly span: Span | undefined
}

/** `base`, with `candidate` in it and in no tool call; a span set on top of it hides the turn's. */
export function contextWithCandidate(base: Context, candidate: WithSpan): Context {
  const values = new Map<symbol, unknown>([
    [candidateKey, candidate],
    [toldCallKey, undefined],
  ])
  return overlay(base, values, candidate)
}

/** `base`, in a tool call that the app tells of; its span is the active one. */
export function contextWithToldCall(
  base: Context,
  call: WithSpan & { readonly span: Span },
): Context {
  return trace.setSpan(base, call.span).setValue(toldCallKey, call)
}

/** The candidate the context belongs to; `undefined` outside of any. */
export function candidateOf(context: Context): WithSpan | undefined {
  return context.getValue(candidateKey) as WithSpan | undefined
}

/** The innermost tool call the app tells of that the context is in. */
export function toldCallOf(context: Context): WithSpan | undefined {
  return context.getValue(toldCallKey) as WithSpan | undefined
}

function overlay(
  base: Context,
  values: ReadonlyMap<symbol, unknown>,
  candidate: WithSpan,
): Context {
  return {
    getValue(key) {
      if (values.has(key)) return values.get(key)
      if (key === spanKey) return candidate.span ?? base.getValue(key)
      return base.getValue(key)
    },
    setValue: (key, value) => overlay(base, new Map(values).set(key, value), candidate),
    deleteValue: (key) => overlay(base, new Map(values).set(key, undefined), candidate),
  }
}

function findSpanKey(): symbol | undefined {
  let found: symbol | undefined
  const probe: Context = {
    getValue(key) {
      found = key
      return undefined
    },
    setValue: () => probe,
    deleteValue: () => probe,
  }
  trace.getSpan(probe)
  return found
}
