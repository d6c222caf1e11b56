/**
 * Every request that an HTTP server of the host handles is a candidate. Node publishes `http.server.request.start` when
 * it hands a request to the host: from then on the host's code runs in the candidate's context, and so does every event
 * of the request and the response. Node would run the events of a body that arrives in a later packet without any context.
 */
import { channel } from 'node:diagnostics_channel'
import { IncomingMessage, ServerResponse } from 'node:http'
import { type Context, ROOT_CONTEXT } from '@opentelemetry/api'
import { defined } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'
import type { Candidate, CandidateSource } from '../record/candidate.ts'
import { contexts, contextWithCandidate, requestOf, runIn } from '../record/contexts.ts'
import { all, type Method, replaceMethod } from './replace-method.ts'

/** Answers that can hold a text. */
const answerTypes = /^(application\/(.*\+)?(json|x-ndjson|jsonl)|text\/)/i
/** Bodies that can hold a prompt. */
const promptTypes = /^(application\/(.*\+)?json|text\/|application\/x-www-form-urlencoded)/i

/** A request or a response under observation. */
interface Watched {
  /** The context that its events run in. */
  readonly inside: Context
  readonly candidate: Candidate
  /** Sees each event before the host does. */
  see(event: unknown, value: unknown): void
}

const Given = function givenObject(object: object): object {
  return object
} as unknown as new (
  object: object,
) => object

/**
 * Attaches a `Watched` to an object of the host, unseen by the host: as a private field, added by a constructor whose
 * base returns that object. A `WeakMap` would do the same, but doubles what a small request costs, in garbage collection.
 */
class WatchedNote extends Given {
  #watched: Watched
  constructor(object: object, watched: Watched) {
    super(object)
    this.#watched = watched
  }
  static read(object: object): Watched | undefined {
    return #watched in object ? object.#watched : undefined
  }
}

/** Begins to watch; the returned function undoes it. */
export function observeHttpServers(options: CandidateSource): () => void {
  const started = channel('http.server.request.start')
  const listener = (message: unknown): void => {
    quietly('observe a request', () => {
      // Not left again: Node's parser runs each packet in its own context.
      contexts.attach(observeRequest(message as RequestStart, options))
    })
  }
  started.subscribe(listener)
  return all([
    replaceMethod(IncomingMessage.prototype, 'emit', watchEvents),
    replaceMethod(ServerResponse.prototype, 'emit', watchEvents),
    () => started.unsubscribe(listener),
  ])
}

/** Sees every event of a watched emitter and runs it in its context; the listeners and their order do not change. */
function watchEvents(original: Method): Method {
  return function emit(...values) {
    const known = WatchedNote.read(this as object)
    if (known === undefined) return original.apply(this, values)
    quietly('see an event of a request', () => known.see(values[0], values[1]))
    if (requestOf(contexts.active()) === known.candidate) return original.apply(this, values)
    return runIn(known.inside, () => original.apply(this, values))
  }
}

interface RequestStart {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

function observeRequest(
  { request, response }: RequestStart,
  { openCandidate, now }: CandidateSource,
): Context {
  const contentType = request.headers['content-type']
  const candidate = openCandidate({
    transport: 'rest',
    startedAt: now(),
    method: request.method,
    path: request.url?.split('?', 1)[0],
    contentType,
    traceparent: [request.headers.traceparent ?? []].flat()[0],
    endIsKnown: true,
    onTurn: () => keepAnswer(response, candidate),
  })
  const inside = contextWithCandidate(ROOT_CONTEXT, candidate)
  candidate.hold()
  const hasPrompt = contentType !== undefined && promptTypes.test(contentType)
  new WatchedNote(request, {
    inside,
    candidate,
    see(event, value) {
      // However the host reads its request, each piece passes here.
      if (event !== 'data' || !hasPrompt) return
      if (typeof value === 'string' || value instanceof Uint8Array) candidate.request(value)
    },
  })
  let isOver = false
  new WatchedNote(response, {
    inside,
    candidate,
    see(event) {
      if (isOver || (event !== 'finish' && event !== 'close')) return
      isOver = true
      candidate.responseEnded()
      if (candidate.span !== undefined) describeAnswer(response, candidate)
      if (event === 'close' && !response.writableFinished) candidate.conclude('aborted')
      else if (response.statusCode >= 500) candidate.conclude('failed')
      candidate.release()
    },
  })
  return inside
}

/** Records what is sent to the user if it is text: it shows which model call gave the answer, and may name the conversation. */
function keepAnswer(response: ServerResponse, candidate: Candidate): void {
  let isText: boolean | undefined
  const keep = (chunk: unknown): void => {
    if (isText === false || (typeof chunk !== 'string' && !(chunk instanceof Uint8Array))) return
    isText ??= isTextual(response)
    if (isText) candidate.response(chunk)
  }
  for (const name of ['write', 'end']) {
    replaceMethod(response, name, (original) => {
      return function (...values) {
        quietly('keep an answer', () => keep(values[0]))
        return original.apply(this, values)
      }
    })
  }
}

/** The head as it was sent; headers given to `writeHead` are found nowhere else. */
function headOf(response: ServerResponse): string | undefined {
  const head: unknown = Reflect.get(response, '_header')
  return typeof head === 'string' ? head : undefined
}

function isTextual(response: ServerResponse): boolean {
  const header = (name: string): string | undefined => {
    const [, sent] = new RegExp(`^${name}: *(.+?) *$`, 'im').exec(headOf(response) ?? '') ?? []
    const set = response.getHeader(name)
    return sent ?? (set === undefined ? undefined : String(set))
  }
  const type = header('content-type')
  return header('content-encoding') === undefined && (type === undefined || answerTypes.test(type))
}

function describeAnswer(response: ServerResponse, candidate: Candidate): void {
  const named = /^x-conversation-id: *(.+?) *$/im.exec(headOf(response) ?? '')
  candidate.describe({
    'http.response.status_code': response.statusCode,
    ...defined({ 'gen_ai.conversation.id': named?.[1] }),
  })
}
