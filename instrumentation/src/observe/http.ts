/**
 * Every request that an HTTP server of the host handles is a candidate. Node publishes `http.server.request.start` when
 * it hands a request to the host: from then on the host's code runs in the candidate's context, and so does every event
 * of the request and the response. Node would run the events of a body that arrives in a later packet without any context.
 */
import { channel } from 'node:diagnostics_channel'
import { IncomingMessage, ServerResponse } from 'node:http'
import { type Context, ROOT_CONTEXT } from '@opentelemetry/api'
import { quietly } from '../health.ts'
import type { Candidate, CandidateSource } from '../record/candidate.ts'
import { contexts, contextWithCandidate } from '../record/contexts.ts'
import { all, replaceMethod } from './replace-method.ts'
import {
  holdsAnswer,
  holdsPrompt,
  keepAnswer,
  WatchedNote,
  watchEvents,
} from './watched-request.ts'

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
    url: request.url,
    headers: request.headers,
    contentType,
    traceparent: [request.headers.traceparent ?? []].flat()[0],
    endIsKnown: true,
    onTurn: () => keepAnswer(response, { candidate, isTextual: () => isTextual(response) }),
  })
  const inside = contextWithCandidate(ROOT_CONTEXT, candidate)
  candidate.hold()
  const hasPrompt = holdsPrompt(contentType)
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
  return holdsAnswer({ type, encoding: header('content-encoding') })
}

function describeAnswer(response: ServerResponse, candidate: Candidate): void {
  const named = /^x-conversation-id: *(.+?) *$/im.exec(headOf(response) ?? '')
  candidate.describe({
    'http.response.status_code': response.statusCode,
  })
  if (named?.[1] !== undefined) candidate.answeredConversation(named[1])
}
