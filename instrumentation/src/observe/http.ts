/**
 * Every request an HTTP server of the host handles is a candidate. `Server#emit('request')` is run in the candidate's
 * context, and so is every event of the request and the response: a body in a later packet has no context of its own.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import * as http from 'node:http'
import * as https from 'node:https'
import { type Context, context } from '@opentelemetry/api'
import { quietly } from '../health.ts'
import { contextWithCandidate } from '../record/candidate-context.ts'
import type { Candidate, CandidateFacts } from '../record/turn.ts'

/** A JSON answer is read for a conversation id up to this size. */
const responseBytesMax = 256 * 1024
/** Bodies that can hold a prompt. */
const promptTypes = /^(application\/(.*\+)?json|text\/|application\/x-www-form-urlencoded)/i

export interface HttpObserverOptions {
  readonly openCandidate: (facts: CandidateFacts) => Candidate
  readonly now: () => number
}

/** Begins to watch; the returned function undoes it. */
export function observeHttpServers(options: HttpObserverOptions): () => void {
  const undo = [http.Server.prototype, https.Server.prototype].map((prototype) =>
    patchEmit(prototype, options),
  )
  return () => undo.forEach((step) => step())
}

type Emit = (this: unknown, event: string | symbol, ...values: unknown[]) => boolean

function patchEmit(prototype: { emit: unknown }, options: HttpObserverOptions): () => void {
  const hadOwn = Object.hasOwn(prototype, 'emit')
  const original = prototype.emit as Emit
  const observed: Emit = function emit(event, ...values) {
    if (event !== 'request') return original.call(this, event, ...values)
    const inside = quietly('observe a request', () =>
      observeRequest(values[0] as IncomingMessage, values[1] as ServerResponse, options),
    )
    if (inside === undefined) return original.call(this, event, ...values)
    return context.with(inside, () => original.call(this, event, ...values))
  }
  prototype.emit = observed
  return () => {
    if (prototype.emit !== observed) return
    if (hadOwn) prototype.emit = original
    else Reflect.deleteProperty(prototype, 'emit')
  }
}

function observeRequest(
  request: IncomingMessage,
  response: ServerResponse,
  { openCandidate, now }: HttpObserverOptions,
): Context {
  const contentType = request.headers['content-type']
  const candidate = openCandidate({
    transport: 'rest',
    startedAt: now(),
    method: request.method,
    path: pathOf(request.url),
    contentType,
    traceparent: headerOf(request.headers['traceparent']),
    endIsKnown: true,
  })
  const inside = contextWithCandidate(context.active(), candidate)
  candidate.hold()
  if (contentType !== undefined && promptTypes.test(contentType)) watchBody(request, candidate)
  watchResponse(response, candidate)
  runEventsIn(inside, request)
  runEventsIn(inside, response)
  return inside
}

/** Sees each piece of the body as the parser hands it over; the host reads it as ever. */
function watchBody(request: IncomingMessage, candidate: Candidate): void {
  const original = request.push
  request.push = function push(chunk: unknown, encoding?: BufferEncoding): boolean {
    if (chunk instanceof Uint8Array) quietly('keep a body', () => candidate.request(chunk))
    return original.call(request, chunk, encoding)
  }
}

function watchResponse(response: ServerResponse, candidate: Candidate): void {
  let isOver = false
  let answerBytes = 0
  let isJsonLike: boolean | undefined
  const head: Head = {}
  const over = (isFinished: boolean): void => {
    if (isOver) return
    isOver = true
    quietly('end a request', () => {
      if (candidate.span !== undefined) describeResponse(response, head, candidate)
      if (!isFinished) candidate.conclude('aborted')
      else if (response.statusCode >= 500) candidate.conclude('failed')
      candidate.release()
    })
  }
  response.once('finish', () => over(true))
  response.once('close', () => over(response.writableFinished))

  const keep = (chunk: unknown): void => {
    if (candidate.span === undefined || answerBytes > responseBytesMax) return
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return
    isJsonLike ??= startsAsObject(chunk)
    if (!isJsonLike) return
    answerBytes += chunk.length
    candidate.response(chunk)
  }
  const { write, end, writeHead } = response
  // The overloads of write and end pass through as they came.
  const call = <T>(method: (...values: never[]) => T, values: unknown[]): T =>
    Reflect.apply(method, response, values)
  response.write = (...values: unknown[]): boolean => {
    quietly('keep an answer', () => keep(values[0]))
    return call(write, values)
  }
  response.writeHead = (...values: unknown[]): ServerResponse => {
    quietly('see a head', () => readHead(values, head))
    return call(writeHead, values)
  }
  response.end = (...values: unknown[]): ServerResponse => {
    quietly('keep an answer', () => keep(values[0]))
    return call(end, values)
  }
}

/** What an answer's headers say of the turn; those given to `writeHead` are not found by `getHeader`. */
interface Head {
  conversation?: string
}

const conversationHeader = 'x-conversation-id'

function readHead(values: readonly unknown[], head: Head): void {
  const given = values.at(-1)
  if (typeof given !== 'object' || given === null) return
  const pairs = Array.isArray(given) ? pairsOf(given) : Object.entries(given)
  for (const [name, value] of pairs) {
    if (name.toLowerCase() === conversationHeader) head.conversation = String(value)
  }
}

/** Node takes headers as [name, value, name, value …] too, or as pairs. */
function pairsOf(given: readonly unknown[]): (readonly [string, unknown])[] {
  const flat = given.flat()
  return flat.flatMap((name, index) =>
    index % 2 === 0 ? [[String(name), flat[index + 1]] as const] : [],
  )
}

function describeResponse(response: ServerResponse, head: Head, candidate: Candidate): void {
  const conversation = head.conversation ?? headerOf(response.getHeader(conversationHeader))
  candidate.describe({
    'http.response.status_code': response.statusCode,
    ...(conversation === undefined ? {} : { 'gen_ai.conversation.id': conversation }),
  })
}

/** Runs every event of `emitter` in `inside`; listeners and their order stay untouched. */
function runEventsIn(inside: Context, emitter: { emit: unknown }): void {
  const original = emitter.emit as Emit
  const observed: Emit = function emit(event, ...values) {
    return context.with(inside, () => original.call(emitter, event, ...values))
  }
  // Not enumerable, like the method it stands for: the host may list or spread its request.
  Object.defineProperty(emitter, 'emit', {
    value: observed,
    writable: true,
    configurable: true,
    enumerable: false,
  })
}

/** Only a JSON object can name a conversation: told by its first character. */
function startsAsObject(chunk: string | Uint8Array): boolean {
  return typeof chunk === 'string' ? chunk.startsWith('{') : chunk[0] === 0x7b
}

function headerOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return Array.isArray(value) && typeof value[0] === 'string' ? value[0] : undefined
}

function pathOf(url: string | undefined): string | undefined {
  return url?.split('?', 1)[0]
}
