/**
 * Every message a `ws` server socket receives is a candidate. The package is found when the host loads it: its
 * `WebSocket` prototype gets an own `emit`, for the context, and own `on` and friends, for the promise a message
 * listener returns.
 */
import { Module } from 'node:module'
import { context } from '@opentelemetry/api'
import { quietly } from '../health.ts'
import { candidateOf, contextWithCandidate } from '../record/candidate-context.ts'
import type { Candidate, CandidateFacts } from '../record/turn.ts'

/** A frame the app sends is searched for a conversation id up to this length. */
const searchedFrameLengthMax = 4_096

export interface WebSocketObserverOptions {
  readonly openCandidate: (facts: CandidateFacts) => Candidate
  readonly now: () => number
}

type Listener = (this: unknown, ...values: unknown[]) => unknown
type Method = (this: unknown, ...values: unknown[]) => unknown
interface SocketState {
  path: string | undefined
  readonly candidates: Set<Candidate>
}

/** Begins to watch; the returned function undoes it. */
export function observeWebSockets(options: WebSocketObserverOptions): () => void {
  const undo: (() => void)[] = []
  const seen = new WeakSet<object>()
  const states = new WeakMap<object, SocketState>()
  const stateOf = (socket: object): SocketState => {
    let state = states.get(socket)
    if (state === undefined) {
      state = { path: undefined, candidates: new Set() }
      states.set(socket, state)
    }
    return state
  }
  const bind = (exported: unknown): void => {
    const prototype = prototypeOf(exported)
    if (prototype === undefined || seen.has(prototype)) return
    if (hasMethods(prototype, ['send', 'ping', 'terminate', 'addEventListener'])) {
      seen.add(prototype)
      undo.push(patchSocket(prototype, stateOf, options))
    } else if (hasMethods(prototype, ['handleUpgrade', 'completeUpgrade', 'shouldHandle'])) {
      seen.add(prototype)
      undo.push(patchServer(prototype, stateOf))
    }
  }
  undo.push(onModuleLoaded(bind))
  return () => undo.forEach((step) => step())
}

function prototypeOf(exported: unknown): Record<string, unknown> | undefined {
  if (typeof exported !== 'function') return undefined
  const prototype: unknown = exported.prototype
  return typeof prototype === 'object' && prototype !== null
    ? (prototype as Record<string, unknown>)
    : undefined
}

/** `ws` has no mark of its own; its two classes are told by their methods. */
function hasMethods(prototype: object, names: readonly string[]): boolean {
  return names.every((name) => typeof Reflect.get(prototype, name) === 'function')
}

/** Watches CommonJS modules as they are loaded, by `require` and by `import` alike. */
function onModuleLoaded(callback: (exported: unknown) => void): () => void {
  const loader = Module as unknown as { _load: Method }
  const original = loader._load
  loader._load = function load(request, ...rest) {
    const exported = original.call(this, request, ...rest)
    if (typeof exported === 'function') quietly('bind ws', () => callback(exported))
    return exported
  }
  const patched = loader._load
  return () => {
    if (loader._load === patched) loader._load = original
  }
}

/** The request a socket came with tells its path. */
function patchServer(
  prototype: Record<string, unknown>,
  stateOf: (socket: object) => SocketState,
): () => void {
  return replace(prototype, 'emit', (original) =>
    function emit(event, ...values) {
      if (event === 'connection') {
        quietly('observe a connection', () => {
          const [socket, request] = values
          if (typeof socket !== 'object' || socket === null) return
          if (typeof request !== 'object' || request === null) return
          const state = stateOf(socket)
          const url: unknown = Reflect.get(request, 'url')
          if (typeof url === 'string') state.path = url.split('?', 1)[0]
        })
      }
      return original.call(this, event, ...values)
    },
  )
}

function patchSocket(
  prototype: Record<string, unknown>,
  stateOf: (socket: object) => SocketState,
  { openCandidate, now }: WebSocketObserverOptions,
): () => void {
  const undo = [
    replace(prototype, 'emit', (original) =>
      function emit(event, ...values) {
        if (event === 'close' && isServerSocket(this)) {
          quietly('observe a close', () => closeCandidates(stateOf(this)))
        }
        if (event !== 'message' || !isServerSocket(this)) {
          return original.call(this, event, ...values)
        }
        const candidate = quietly('observe a message', () => {
          const state = stateOf(this)
          const opened = openCandidate({
            transport: 'websocket',
            startedAt: now(),
            path: state.path,
            endIsKnown: false,
          })
          for (const piece of piecesOf(values[0])) opened.request(piece)
          opened.hold()
          remember(state, opened)
          return opened
        })
        if (candidate === undefined) return original.call(this, event, ...values)
        try {
          const inside = contextWithCandidate(context.active(), candidate)
          return context.with(inside, () => original.call(this, event, ...values))
        } finally {
          quietly('end a message', () => candidate.release())
        }
      },
    ),
    replace(prototype, 'send', (original) =>
      function send(data, ...rest) {
        quietly('observe an answer', () => keepConversation(data))
        return original.call(this, data, ...rest)
      },
    ),
    ...['on', 'addListener', 'once', 'prependListener', 'prependOnceListener'].map((name) =>
      replace(prototype, name, (original) =>
        function listen(event, listener) {
          if (event !== 'message' || typeof listener !== 'function') {
            return original.call(this, event, listener)
          }
          return original.call(this, event, observeListener(listener as Listener))
        },
      ),
    ),
  ]
  return () => undo.reverse().forEach((step) => step())
}

/** The listener, with its promise watched. `listener` on it makes `off` and `listeners` find the original. */
function observeListener(listener: Listener): Listener {
  const observed: Listener & { listener?: Listener } = function message(...values) {
    const result = listener.apply(this, values)
    quietly('follow a listener', () => {
      const candidate = candidateOf(context.active()) as Candidate | undefined
      if (candidate !== undefined && isPromise(result)) follow(result, candidate)
    })
    return result
  }
  observed.listener = listener
  return observed
}

/** The turn is over when the listener's promise settles. A rejection stays the host's: this branch swallows its copy only. */
function follow(result: PromiseLike<unknown>, candidate: Candidate): void {
  candidate.hold()
  result.then(
    () =>
      quietly('end a listener', () => {
        candidate.conclude('completed')
        candidate.release()
      }),
    () =>
      quietly('end a listener', () => {
        candidate.conclude('failed')
        candidate.release()
      }),
  )
}

function keepConversation(data: unknown): void {
  if (typeof data !== 'string' || data.length > searchedFrameLengthMax) return
  if (!/"(conversation|chat|thread)_?id"/i.test(data)) return
  const candidate = candidateOf(context.active()) as Candidate | undefined
  candidate?.response(data)
}

function closeCandidates(state: SocketState): void {
  for (const candidate of state.candidates) {
    if (candidate.span !== undefined && !candidate.isEnded) candidate.conclude('aborted')
  }
  state.candidates.clear()
}

/** Candidates of a socket that may still be at work; finished ones are forgotten as new ones come. */
function remember(state: SocketState, candidate: Candidate): void {
  for (const known of state.candidates) {
    if (known.isEnded) state.candidates.delete(known)
  }
  state.candidates.add(candidate)
}

function piecesOf(data: unknown): readonly (string | Uint8Array)[] {
  if (typeof data === 'string' || data instanceof Uint8Array) return [data]
  if (data instanceof ArrayBuffer) return [new Uint8Array(data)]
  return Array.isArray(data) ? data.filter((piece) => piece instanceof Uint8Array) : []
}

function isServerSocket(socket: unknown): socket is object {
  return typeof socket === 'object' && socket !== null && Reflect.get(socket, '_isServer') === true
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}

/** Puts an own method on `prototype`; the returned function restores what was there. */
function replace(
  prototype: Record<string, unknown>,
  name: string,
  make: (original: Method) => (this: object, ...values: unknown[]) => unknown,
): () => void {
  const own = Object.getOwnPropertyDescriptor(prototype, name)
  const original = prototype[name] as Method
  const value = make(original)
  Object.defineProperty(prototype, name, {
    value,
    writable: true,
    configurable: true,
    enumerable: own?.enumerable ?? false,
  })
  return () => {
    if (prototype[name] !== value) return
    if (own === undefined) Reflect.deleteProperty(prototype, name)
    else Object.defineProperty(prototype, name, own)
  }
}
