/**
 * Every message a `ws` server socket receives is a candidate. The package is found once the host has loaded it, or, of
 * one bundled into the host, by its first connection: its `WebSocket` prototype gets an own `emit`, for the context and
 * for the promises its message listeners return. The lists of listeners stay as the host made them.
 */
import { EventEmitter } from 'node:events'
import { inspect, types } from 'node:util'
import { ROOT_CONTEXT } from '@opentelemetry/api'
import { quietly } from '../health.ts'
import { candidateOf, contextWithCandidate } from '../record/candidate-context.ts'
import { contexts, runIn } from '../record/contexts.ts'
import type { Candidate, CandidateFacts } from '../record/turn.ts'
import { watchConnections } from './bundled-websockets.ts'
import { watchLoadedModules } from './loaded-modules.ts'
import { replaceMethod } from './replace-method.ts'

/** A frame the app sends is searched for a conversation id up to this length. */
const searchedFrameLengthMax = 4_096
/** What an emitter keeps `captureRejections` under. */
const captureKey = Object.getOwnPropertySymbols(EventEmitter.prototype).find(
  ({ description }) => description === 'kCapture',
)

export interface WebSocketObserverOptions {
  readonly openCandidate: (facts: CandidateFacts) => Candidate
  readonly now: () => number
  readonly clock: () => number
}

interface SocketState {
  /** Those that are turns and may still be at work. */
  readonly candidates: Set<Candidate>
}
/** What is known of each WebSocket, and the path of each connection that became one. */
interface Sockets {
  stateOf(socket: object): SocketState
  readonly paths: WeakMap<object, string>
}

/** Begins to watch; the returned function undoes it. */
export function observeWebSockets(options: WebSocketObserverOptions): () => void {
  const undo: (() => void)[] = []
  const patched = new WeakSet<object>()
  const states = new WeakMap<object, SocketState>()
  const sockets: Sockets = {
    stateOf(socket) {
      let state = states.get(socket)
      if (state === undefined) {
        state = { candidates: new Set() }
        states.set(socket, state)
      }
      return state
    },
    paths: new WeakMap(),
  }
  const bind = (exported: unknown): void => {
    if (typeof exported !== 'function') return
    const prototype: unknown = Object.getOwnPropertyDescriptor(exported, 'prototype')?.value
    if (isObject(prototype)) bindPrototype(prototype)
  }
  const bindPrototype = (prototype: object): void => {
    if (patched.has(prototype)) return
    // `ws` has no mark of its own; its two classes are told by their methods.
    if (hasMethods(prototype, ['send', 'ping', 'terminate', 'addEventListener'])) {
      patched.add(prototype)
      undo.push(patchSocket(prototype, sockets, options))
    } else if (hasMethods(prototype, ['handleUpgrade', 'completeUpgrade', 'shouldHandle'])) {
      patched.add(prototype)
      undo.push(patchServer(prototype, sockets))
    }
  }
  undo.push(watchLoadedModules(bind, options.clock), watchConnections(bindPrototype))
  return () => {
    for (const step of undo) step()
  }
}

function hasMethods(prototype: object, names: readonly string[]): boolean {
  return names.every(
    (name) => typeof Object.getOwnPropertyDescriptor(prototype, name)?.value === 'function',
  )
}

/** The request a socket came with tells its path. */
function patchServer(prototype: object, { paths }: Sockets): () => void {
  return replaceMethod(prototype, 'handleUpgrade', (original) => {
    return function handleUpgrade(...values) {
      quietly('observe an upgrade', () => {
        const [request, connection] = values
        const url: unknown = isObject(request) ? Reflect.get(request, 'url') : undefined
        if (isObject(connection) && typeof url === 'string') {
          paths.set(connection, url.split('?', 1)[0] ?? '')
        }
      })
      return original.apply(this, values)
    }
  })
}

function patchSocket(
  prototype: object,
  { stateOf, paths }: Sockets,
  { openCandidate, now }: WebSocketObserverOptions,
): () => void {
  function open(socket: object, message: unknown): Candidate {
    const connection: unknown = Reflect.get(socket, '_socket')
    const candidate = openCandidate({
      transport: 'websocket',
      startedAt: now(),
      path: isObject(connection) ? paths.get(connection) : undefined,
      endIsKnown: false,
      onTurn: () => remember(stateOf(socket), candidate),
    })
    for (const piece of piecesOf(message)) candidate.request(piece)
    candidate.hold()
    return candidate
  }

  const undo = [
    replaceMethod(prototype, 'emit', (original) => {
      return function emit(...values) {
        const [event, ...rest] = values
        if (!isServerSocket(this)) return original.apply(this, values)
        if (event === 'close') quietly('observe a close', () => closeCandidates(stateOf(this)))
        if (event !== 'message') return original.apply(this, values)
        const candidate = quietly('observe a message', () => open(this, rest[0]))
        if (candidate === undefined) return original.apply(this, values)
        try {
          return runIn(contextWithCandidate(ROOT_CONTEXT, candidate), () =>
            isPlain(this) ? emitMessage(this, rest, candidate) : original.apply(this, values),
          )
        } finally {
          quietly('end a message', () => candidate.release())
        }
      }
    }),
    replaceMethod(prototype, 'send', (original) => {
      return function send(...values) {
        quietly('observe an answer', () => keepConversation(values[0]))
        return original.apply(this, values)
      }
    }),
  ]
  return () => {
    for (const step of undo) step()
  }
}

/** What `emit` does with its listeners, seeing what they return. */
function emitMessage(
  socket: EventEmitter,
  values: readonly unknown[],
  candidate: Candidate,
): boolean {
  const listeners = socket.rawListeners('message')
  for (const listener of listeners) {
    const result: unknown = Reflect.apply(listener, socket, values)
    if (types.isPromise(result)) {
      quietly('follow a listener', () => follow(listener, result, candidate))
    }
  }
  return listeners.length > 0
}

/** Where `emit` does more than call: domains, and emitters that look after rejections themselves. */
function isPlain(socket: object): socket is EventEmitter {
  const isCapturing = captureKey !== undefined && Reflect.get(socket, captureKey) === true
  const domain: unknown = Reflect.get(socket, 'domain')
  return socket instanceof EventEmitter && !isCapturing && (domain === undefined || domain === null)
}

/**
 * The turn is over when the listener's promise settles. That of an async function is nobody else's, so that it may be
 * awaited, and its rejection be passed on, unhandled as it is. Another promise may be handled by the host elsewhere:
 * awaiting it would change whether its rejection is handled, so it is only looked at.
 */
function follow(listener: unknown, result: Promise<unknown>, candidate: Candidate): void {
  if (!isAsyncFunction(listener)) {
    candidate.lookAt(() => /^Promise \{\s*<pending>/.test(inspect(result, inspectPlainly)))
    return
  }
  candidate.hold()
  const over = (how: 'completed' | 'failed'): void => {
    quietly('end a listener', () => {
      candidate.conclude(how)
      candidate.release()
    })
  }
  void result.then(
    () => over('completed'),
    (cause: unknown) => {
      over('failed')
      throw cause
    },
  )
}

const inspectPlainly = { depth: 0, customInspect: false, getters: false } as const

/** `once` wraps its listener. */
function isAsyncFunction(listener: unknown): boolean {
  if (types.isAsyncFunction(listener)) return true
  if (typeof listener !== 'function') return false
  return types.isAsyncFunction(Object.getOwnPropertyDescriptor(listener, 'listener')?.value)
}

function keepConversation(data: unknown): void {
  if (typeof data !== 'string' || data.length > searchedFrameLengthMax) return
  if (!/"(conversation|chat|thread)_?id"/i.test(data)) return
  const candidate = candidateOf(contexts.active()) as Candidate | undefined
  candidate?.response(data)
}

function closeCandidates(state: SocketState): void {
  for (const candidate of state.candidates) {
    if (!candidate.isEnded) candidate.conclude('aborted')
  }
  state.candidates.clear()
}

/** Finished ones are forgotten as new ones come. */
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
  return isObject(socket) && Reflect.get(socket, '_isServer') === true
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
