/**
 * The OpenTelemetry context of a candidate: it has no span until the candidate becomes a turn, and the turn's span
 * from then on, also for code that took the context before.
 */
import { type Context, createContextKey, type Span, trace } from '@opentelemetry/api'

const candidateKey = createContextKey('turnlog candidate')
/** The key the API keeps a span under; it is private to the API, so it is found by looking. */
const spanKey = findSpanKey()

/** What a candidate's context needs to know of it. */
export interface WithSpan {
  readonly span: Span | undefined
}

/** `base`, with `candidate` in it; a span set on top of it hides the turn's. */
export function contextWithCandidate(base: Context, candidate: WithSpan): Context {
  return overlay(base, new Map([[candidateKey, candidate]]), candidate)
}

/** The candidate the context belongs to; `undefined` outside of any. */
export function candidateOf(context: Context): WithSpan | undefined {
  return context.getValue(candidateKey) as WithSpan | undefined
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
