/**
 * Every request that an HTTP/2 server of the host handles is a candidate, as in `http.ts`, for both APIs of `node:http2`: the
 * `stream` event, and `request` with its `Http2ServerRequest`. One stream carries request and response; the candidate's context
 * covers all its events. The classes of `node:http2` are not exported, so each is patched when its first object is seen.
 */
import type { OutgoingHttpHeader, OutgoingHttpHeaders } from 'node:http'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { type Context, ROOT_CONTEXT } from '@opentelemetry/api'
import { asString, defined } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'
import type { Candidate, CandidateSource } from '../record/candidate.ts'
import { contextWithCandidate, runIn } from '../record/contexts.ts'
import { all, type Method, replaceInBuiltin, replaceMethod } from './replace-method.ts'
import {
  holdsAnswer,
  holdsPrompt,
  keepAnswer,
  WatchedNote,
  watchEvents,
} from './watched-request.ts'

/** Begins to watch; the returned function undoes it. */
export function observeHttp2Servers(options: CandidateSource): () => void {
  const undo: (() => void)[] = []
  const patched = new WeakSet<object>()
  const patchClass = (object: object, make: (original: Method) => Method): void => {
    const prototype: unknown = Object.getPrototypeOf(object)
    if (typeof prototype !== 'object' || prototype === null || patched.has(prototype)) return
    patched.add(prototype)
    undo.push(replaceMethod(prototype, 'emit', make))
  }
  const opensStreams = (original: Method): Method =>
    function emit(...values) {
      const [event, stream, headers] = values
      const inside =
        event === 'stream'
          ? quietly('observe a request', () => {
              patchClass(Object(stream), watchEvents)
              return observeStream(stream as ServerHttp2Stream, headers as Headers, options)
            })
          : undefined
      if (inside === undefined) return original.apply(this, values)
      return runIn(inside, () => original.apply(this, values))
    }
  const opensSessions = (original: Method): Method =>
    function emit(...values) {
      const [event, session] = values
      if (event === 'session') {
        quietly('see a session', () => patchClass(Object(session), opensStreams))
      }
      return original.apply(this, values)
    }
  const makesServer = (original: Method): Method =>
    function createServer(...values) {
      const server = original.apply(this, values)
      quietly('see a server', () => patchClass(Object(server), opensSessions))
      return server
    }
  const restore = replaceInBuiltin('http2', (http2) =>
    ['createServer', 'createSecureServer'].map((name) => replaceMethod(http2, name, makesServer)),
  )
  return all([restore, () => all(undo)()])
}

type Headers = IncomingHttpHeaders & Readonly<Record<string, unknown>>

/** `undefined` for a tunnel, such as a WebSocket's. */
function observeStream(
  stream: ServerHttp2Stream,
  headers: Headers,
  { openCandidate, now }: CandidateSource,
): Context | undefined {
  const method = asString(headers[':method'])
  if (method === 'CONNECT') return undefined
  const contentType = headers['content-type']
  const candidate = openCandidate({
    transport: 'rest',
    startedAt: now(),
    method,
    path: asString(headers[':path'])?.split('?', 1)[0],
    url: asString(headers[':path']),
    headers,
    contentType,
    traceparent: asString(headers.traceparent),
    endIsKnown: true,
    onTurn: () => keepAnswer(stream, { candidate, isTextual: () => isTextual(stream) }),
  })
  const inside = contextWithCandidate(ROOT_CONTEXT, candidate)
  candidate.hold()
  const hasPrompt = holdsPrompt(contentType)
  let isOver = false
  new WatchedNote(stream, {
    inside,
    candidate,
    see(event, value) {
      if (event === 'data' && hasPrompt) {
        if (typeof value === 'string' || value instanceof Uint8Array) candidate.request(value)
      }
      if (isOver || (event !== 'finish' && event !== 'close')) return
      isOver = true
      candidate.responseEnded()
      responseEnded(stream, candidate)
      candidate.release()
    },
  })
  return inside
}

function responseEnded(stream: ServerHttp2Stream, candidate: Candidate): void {
  const { ':status': status, 'x-conversation-id': conversation } = sentHeaders(stream)
  if (candidate.span !== undefined) {
    candidate.describe(defined({ 'http.response.status_code': status }))
    if (conversation !== undefined) candidate.answeredConversation(String(conversation))
  }
  // A stream that its client has reset is ended by Node, so that it finishes all the same.
  const isAborted = stream.aborted || (stream.rstCode !== 0 && !stream.writableFinished)
  if (isAborted) candidate.conclude('aborted')
  else if (status !== undefined && status >= 500) candidate.conclude('failed')
}

function isTextual(stream: ServerHttp2Stream): boolean {
  const { 'content-type': type, 'content-encoding': encoding } = sentHeaders(stream)
  return holdsAnswer({ type: textOf(type), encoding: textOf(encoding) })
}

function textOf(header: OutgoingHttpHeader | undefined): string | undefined {
  return header === undefined ? undefined : String(header)
}

/** Undefined until they are sent, whatever the types say. */
function sentHeaders(stream: ServerHttp2Stream): OutgoingHttpHeaders & { ':status'?: number } {
  return stream.sentHeaders ?? {}
}
