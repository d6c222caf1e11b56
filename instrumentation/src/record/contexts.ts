/**
 * The async context that observers work in: which turn, and which tool call reported by the app, the running code
 * belongs to. It is never registered with OpenTelemetry's API, so it does not disturb a host's SDK; a host without
 * an SDK is offered it (`observe/host-telemetry.ts`), so that its spans become children of our turns.
 *
 * A candidate's context has no span until the candidate becomes a turn, and the turn's span from then on, also for code
 * that took the context before.
 */
import { type Context, createContextKey, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import type { Candidate } from './candidate.ts'
import type { ApiToolCall } from './tool-call.ts'

/**
 * Enters a context around the host's functions in one frame, its own: a frame of Node, as `AsyncLocalStorage.run` has, could not be
 * distinguished from the host's when an error's stack is printed (`observe/own-frames.ts`).
 */
class Contexts extends AsyncLocalStorageContextManager {
  override with<Values extends unknown[], Call extends (...values: Values) => ReturnType<Call>>(
    context: Context,
    call: Call,
    thisArg?: ThisParameterType<Call>,
    ...values: Values
  ): ReturnType<Call> {
    const entered = this.attach(context)
    try {
      return Reflect.apply(call, thisArg, values) as ReturnType<Call>
    } finally {
      entered.dispose()
    }
  }

  override bind<T>(context: Context, target: T): T {
    if (typeof target !== 'function') return super.bind(context, target)
    const manager = this
    const bound = function (this: unknown, ...values: unknown[]): unknown {
      const entered = manager.attach(context)
      try {
        return Reflect.apply(target, this, values)
      } finally {
        entered.dispose()
      }
    }
    return Object.defineProperty(bound, 'length', { value: target.length }) as T
  }
}

export const contexts: AsyncLocalStorageContextManager = new Contexts()

const candidateKey = createContextKey('turnlog candidate')
const apiCallKey = createContextKey('turnlog api tool call')

/** The turns that code in no request's context may work for. */
export interface TurnsOutside {
  atWork(): readonly Candidate[]
  /** What is done for the turn names it: other work of the app may go on besides. */
  mustBeNamed(turn: Candidate): boolean
}

const noTurns: TurnsOutside = { atWork: () => [], mustBeNamed: () => false }
let turnsOutside = noTurns
/** The key under which the API keeps a span. It is private, so it is found by asking for one. */
const spanKey = findSpanKey()

/**
 * Runs `call` in `context`. Without a callback of ours in between, an error that the host's code throws shows no other
 * frame of ours than this one, and keeps the place where it was thrown.
 */
export function runIn<T>(context: Context, call: () => T): T {
  const entered = contexts.attach(context)
  try {
    return call()
  } finally {
    entered.dispose()
  }
}

/** `base` with `candidate`, and in no tool call. A span that is set on it later hides the turn's. */
export function contextWithCandidate(base: Context, candidate: Candidate): Context {
  const values = new Map<symbol, unknown>([
    [candidateKey, candidate],
    [apiCallKey, undefined],
  ])
  return overlay(base, values, candidate)
}

/** `base`, in a tool call that the app reports; its span is the active one. */
export function contextWithApiCall(base: Context, call: ApiToolCall): Context {
  return trace.setSpan(base, call.span).setValue(apiCallKey, call)
}

/**
 * The candidate that the context is in; that of the earlier turn, if it continues one. If its code may work for several turns, it
 * is not known.
 */
export function candidateOf(context: Context): Candidate | undefined {
  const [turn, ...others] = requestOf(context)?.workedFor ?? []
  return others.length === 0 ? turn : undefined
}

/** The turn that the context's code works for: that of its request, else the only one that came in on no server. */
export function turnOf(context: Context): Candidate | undefined {
  const turns = turnsOf(context)
  return needName(context, turns) ? undefined : turns[0]
}

/** Whether the context says what its code works for: a request, or a tool call that the app reports. */
export function hasOwnContext(context: Context): boolean {
  return requestOf(context) !== undefined || apiCallOf(context) !== undefined
}

/** Whether only a name can show the turn that the context's code works for. */
export function isKnownByName(context: Context): boolean {
  return needName(context, turnsOf(context))
}

/** The returned function undoes it. */
export function setTurnsOutside(turns: TurnsOutside): () => void {
  turnsOutside = turns
  return () => {
    turnsOutside = noTurns
  }
}

/** The turn of which an open tool call names a file in its arguments, if only that can show the turn. */
export function turnNaming(context: Context, names: readonly string[]): Candidate | undefined {
  const turns = turnsOf(context)
  if (!needName(context, turns)) return undefined
  const naming = turns.filter(({ openTools }) =>
    [...openTools.values()].some((call) => names.some((name) => call.arguments.names(name))),
  )
  return naming.length === 1 ? naming[0] : undefined
}

/** The candidate of the request or message that the context is in, whether it continues an earlier turn or not. */
export function requestOf(context: Context): Candidate | undefined {
  const request = context.getValue(candidateKey) as Candidate | undefined
  // What an agent's end has called back in its turn's context is other work.
  return request?.isInferred === true && request.isEnded ? undefined : request
}

/** The innermost tool call reported by the app that the context is in. */
export function apiCallOf(context: Context): ApiToolCall | undefined {
  return context.getValue(apiCallKey) as ApiToolCall | undefined
}

/**
 * The candidate that a model call in this context makes a turn. `undefined` outside any candidate, and in a tool call
 * that the app reports outside a turn: the model call is then part of that tool call.
 */
export function turnOfModelCall(context: Context): Candidate | undefined {
  const candidate = requestOf(context)?.turn
  if (candidate?.span === undefined && apiCallOf(context) !== undefined) return undefined
  candidate?.promote()
  return candidate
}

function turnsOf(context: Context): readonly Candidate[] {
  return requestOf(context)?.workedFor ?? turnsOutside.atWork()
}

function needName(context: Context, turns: readonly Candidate[]): boolean {
  const [only] = turns
  if (only === undefined || turns.length > 1) return turns.length > 1
  return requestOf(context) === undefined && turnsOutside.mustBeNamed(only)
}

function overlay(
  base: Context,
  values: ReadonlyMap<symbol, unknown>,
  candidate: Candidate,
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
