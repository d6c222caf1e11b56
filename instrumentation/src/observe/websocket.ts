/**
 * Every message that a `ws` server socket receives is a candidate, and what a socket of the app sends to a model API is a model call
 * (`model-websockets.ts`). The package is found once the host has loaded it, or,
 * if it is bundled into the host, by its first connection. Its `WebSocket` prototype gets an `emit` of ours, for the
 * context and for the promises that message listeners return. The lists of listeners stay as the host made them.
 */
import { EventEmitter } from 'node:events'
import { Socket } from 'node:net'
import { inspect, types } from 'node:util'
import { ROOT_CONTEXT } from '@opentelemetry/api'
import { asObject } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'
import type { Candidate, CandidateSource } from '../record/candidate.ts'
import { candidateOf, contexts, contextWithCandidate, runIn } from '../record/contexts.ts'
import type { RequestAddress } from '../record/conversation-places.ts'
import type { OpenExchange } from './exchange.ts'
import { watchLoadedModules } from './loaded-modules.ts'
import { ModelWebSockets } from './model-websockets.ts'
import { all, replaceMethod } from './replace-method.ts'

/** The key under which an emitter keeps `captureRejections`. */
const captureKey = Object.getOwnPropertySymbols(EventEmitter.prototype).find(
  ({ description }) => description === 'kCapture',
)

/** Begins to watch; the returned function undoes it. */
export function observeWebSockets(
  source: CandidateSource,
  openExchange: OpenExchange,
  clock: () => number,
): () => void {
  const observer = new WebSocketObserver(source, openExchange)
  return all([
    observer.unbind,
    watchLoadedModules((exported) => {
      if (typeof exported !== 'function') return
      const prototype: unknown = Object.getOwnPropertyDescriptor(exported, 'prototype')?.value
      if (isObject(prototype)) observer.bind(prototype)
    }, clock).undo,
    watchConnections((prototype) => observer.bind(prototype)),
  ])
}

class WebSocketObserver {
  readonly #source: CandidateSource
  readonly #models: ModelWebSockets
  readonly #undo: (() => void)[] = []
  readonly #bound = new WeakSet<object>()
  /** Of each WebSocket: the candidates that are turns and may still be at work. */
  readonly #turns = new WeakMap<object, Set<Candidate>>()
  /** Of each connection that became a WebSocket: the request that opened it. */
  readonly #requests = new WeakMap<object, RequestAddress & { readonly path: string }>()

  constructor(source: CandidateSource, openExchange: OpenExchange) {
    this.#source = source
    this.#models = new ModelWebSockets(openExchange)
  }

  /** Patches `prototype` if it is that of one of `ws`' two classes. They have no mark, so their methods identify them. */
  bind(prototype: object): void {
    if (this.#bound.has(prototype)) return
    if (hasMethods(prototype, ['send', 'ping', 'terminate', 'addEventListener'])) {
      this.#bound.add(prototype)
      this.#undo.push(this.#patchEmit(prototype), this.#patchSend(prototype))
      this.#undo.push(this.#patchStop(prototype, 'close'), this.#patchStop(prototype, 'terminate'))
    } else if (hasMethods(prototype, ['handleUpgrade', 'completeUpgrade', 'shouldHandle'])) {
      this.#bound.add(prototype)
      this.#undo.push(this.#patchUpgrade(prototype))
    }
  }

  readonly unbind = all(this.#undo)

  /** Notes the path of a request that becomes a WebSocket. */
  #patchUpgrade(prototype: object): () => void {
    const see = (request: unknown, connection: unknown): void => {
      const { url, headers } = asObject(request) ?? {}
      if (isObject(connection) && typeof url === 'string') {
        const [path = ''] = url.split('?', 1)
        this.#requests.set(connection, { path, url, headers: asObject(headers) })
      }
    }
    return replaceMethod(prototype, 'handleUpgrade', (original) => {
      return function handleUpgrade(...values) {
        quietly('observe an upgrade', () => see(values[0], values[1]))
        return original.apply(this, values)
      }
    })
  }

  #patchEmit(prototype: object): () => void {
    const models = this.#models
    const close = (socket: object): void => this.#close(socket)
    const open = (socket: object, message: unknown): Candidate => this.#open(socket, message)
    return replaceMethod(prototype, 'emit', (original) => {
      return function emit(...values) {
        const [event, ...rest] = values
        if (!isServerSocket(this)) {
          if (isObject(this)) quietly('observe a model', () => seeModel(models, this, values))
          return original.apply(this, values)
        }
        if (event === 'close') quietly('observe a close', () => close(this))
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
    })
  }

  #patchSend(prototype: object): () => void {
    const models = this.#models
    return replaceMethod(prototype, 'send', (original) => {
      return function send(...values) {
        quietly('observe what a socket sends', () => {
          if (isServerSocket(this)) keepAnswer(values[0])
          else if (isObject(this)) models.sent(this, values[0])
        })
        return original.apply(this, values)
      }
    })
  }

  #patchStop(prototype: object, name: 'close' | 'terminate'): () => void {
    const models = this.#models
    return replaceMethod(prototype, name, (original) => {
      return function (...values) {
        if (isObject(this) && !isServerSocket(this)) quietly('see a stop', () => models.stops(this))
        return original.apply(this, values)
      }
    })
  }

  #open(socket: object, message: unknown): Candidate {
    const { openCandidate, now } = this.#source
    const connection: unknown = Reflect.get(socket, '_socket')
    const candidate = openCandidate({
      transport: 'websocket',
      startedAt: now(),
      ...(isObject(connection) ? this.#requests.get(connection) : {}),
      endIsKnown: false,
      onTurn: () => this.#remember(socket, candidate),
    })
    for (const piece of piecesOf(message)) candidate.request(piece)
    candidate.hold()
    return candidate
  }

  /** Forgets the turns that have ended, whenever a new one comes. */
  #remember(socket: object, candidate: Candidate): void {
    const turns = this.#turns.get(socket) ?? new Set()
    this.#turns.set(socket, turns)
    for (const known of turns) if (known.isEnded) turns.delete(known)
    turns.add(candidate)
  }

  #close(socket: object): void {
    for (const candidate of this.#turns.get(socket) ?? []) {
      if (!candidate.isEnded) candidate.conclude('aborted')
    }
    this.#turns.delete(socket)
  }
}

/**
 * Finds a `ws` that is bundled into the host's file, and so is no module of its own: it stores each WebSocket on its
 * connection, under a symbol, before it listens there for data. Calls back with each prototype of that WebSocket.
 */
function watchConnections(callback: (prototype: object) => void): () => void {
  function look(connection: unknown): void {
    if (!isObject(connection)) return
    const symbols = Object.getOwnPropertySymbols(connection)
    const key = symbols.find(({ description }) => description === 'websocket')
    if (key === undefined) return
    let webSocket: unknown = Object.getOwnPropertyDescriptor(connection, key)?.value
    while (isObject(webSocket)) {
      webSocket = Object.getPrototypeOf(webSocket)
      if (isObject(webSocket)) callback(webSocket)
    }
  }

  return replaceMethod(Socket.prototype, 'on', (original) => {
    return function on(...values) {
      if (values[0] === 'data') quietly('look at a connection', () => look(this))
      return original.apply(this, values)
    }
  })
}

/** What a socket that the app has opened receives. */
function seeModel(
  models: ModelWebSockets,
  socket: object,
  [event, data]: readonly unknown[],
): void {
  if (event === 'message') models.received(socket, data)
  else if (event === 'error') models.broke(socket)
  else if (event === 'close') models.closed(socket)
}

function hasMethods(prototype: object, names: readonly string[]): boolean {
  return names.every(
    (name) => typeof Object.getOwnPropertyDescriptor(prototype, name)?.value === 'function',
  )
}

/** Calls the listeners as `emit` does, and sees what they return. */
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

/** Whether `emit` only calls the listeners: it does more with domains, and in emitters that capture rejections. */
function isPlain(socket: object): socket is EventEmitter {
  const isCapturing = captureKey !== undefined && Reflect.get(socket, captureKey) === true
  const domain: unknown = Reflect.get(socket, 'domain')
  return socket instanceof EventEmitter && !isCapturing && (domain === undefined || domain === null)
}

/**
 * The turn is over when the listener's promise settles. Only we have the promise of an async function, so it is awaited,
 * and its rejection is passed on unhandled. Another promise may be handled by the host elsewhere: awaiting it would change
 * whether its rejection counts as handled, so its state is only inspected.
 */
function follow(listener: unknown, result: Promise<unknown>, candidate: Candidate): void {
  if (!isAsyncFunction(listener)) {
    candidate.addWorkCheck(() => /^Promise \{\s*<pending>/.test(inspect(result, inspectPlainly)))
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

/** It shows which model call gave the answer, and may name the conversation. */
function keepAnswer(data: unknown): void {
  if (typeof data === 'string') candidateOf(contexts.active())?.response(data)
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
