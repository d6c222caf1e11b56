/**
 * An HTTP exchange with an address that belongs to no known model API. The first bytes of request and answer show whether it
 * is traffic with a model all the same (`models/unknown-traffic.ts`); if so, it is counted, once. Nothing else is kept. In an app with a
 * server of its own nothing is counted before the answer begins or the request fails: a request to that server is no traffic with a model.
 */
import { decodeBody } from '../models/decode-body.ts'
import {
  answerKind,
  headBytesMax,
  isModelAnswer,
  isModelSocket,
  isModelStream,
  isNoTurnPath,
  isStreamOfModel,
  pathPattern,
  type RequestSigns,
  requestSigns,
  type UnknownTrafficSign,
} from '../models/unknown-traffic.ts'
import type { UnseenKind, UnseenWork } from '../record/unseen-work.ts'
import type { Exchange, RequestFacts } from './exchange.ts'
import type { OwnServers } from './own-servers.ts'

/** The exchange of a request that no model API has; `undefined`: it needs not be watched. */
export function openUnknown(
  partners: UnknownPartners,
  request: UnknownRequest,
): Exchange | undefined {
  const { method, url, contentType, hidesSocket = false, isRecorded } = request
  if (method === 'GET' && isModelSocket(url.pathname, { hidesSocket }))
    countSign(partners, url, 'websocket')
  const mayHaveText = contentType === undefined || /json|text\/plain/i.test(contentType)
  if (method !== 'POST' || !mayHaveText || isNoTurnPath(url.pathname)) return undefined
  if (isRecorded()) return undefined
  const { ownServers, clock } = partners
  const sent = { method, url, since: clock() }
  return new UnknownExchange(url, {
    onSign: (sign) => countSign(partners, url, sign),
    mayBeOwn: () => ownServers.isServing,
    isOwn: () => ownServers.handle(sent, request.connection?.() ?? undefined),
  })
}

interface UnknownRequest extends RequestFacts {
  readonly method: string
  readonly url: URL
  /** The SDK that sends it records a model call of its own. */
  readonly isRecorded: () => boolean
}

interface UnknownPartners {
  readonly unseen: UnseenWork
  readonly ownServers: OwnServers
  /** Milliseconds, monotonic. */
  readonly clock: () => number
  readonly modelCalled: () => void
}

function countSign(
  { unseen, modelCalled }: Pick<UnknownPartners, 'unseen' | 'modelCalled'>,
  url: URL,
  why: UnknownTrafficSign,
): void {
  modelCalled()
  unseen.sawModel()
  unseen.add({ reason: 'model_traffic', why, address: addressOf(url) })
}

export function addressOf(url: URL): NonNullable<UnseenKind['address']> {
  return {
    host: url.hostname,
    port: Number(url.port) || (url.protocol === 'http:' ? 80 : 443),
    path: pathPattern(url.pathname),
  }
}

interface Place {
  readonly onSign: (sign: UnknownTrafficSign) => void
  /** The app has a server. */
  readonly mayBeOwn: () => boolean
  /** The request came to that server. Known when the answer begins. */
  readonly isOwn: () => boolean
}

class UnknownExchange implements Exchange {
  readonly #url: URL
  readonly #place: Place
  /** The request is one to a model if it is not to the app's own server. */
  #isSuspended: boolean = false
  #head = new Head()
  #request: RequestSigns | undefined
  #kind: ReturnType<typeof answerKind> = 'other'
  #encoding: string | undefined
  #isOver: boolean = false

  constructor(url: URL, place: Place) {
    this.#url = url
    this.#place = place
  }

  sent(chunk: string | Uint8Array): void {
    if (this.#request !== undefined) return
    this.#head.add(chunk)
    if (this.#head.isFull) this.#readRequest()
  }

  allSent(): void {
    this.#readRequest()
  }

  answered(status: number, headers: readonly (readonly [string, string])[]): void {
    const { isOther } = this.#readRequest()
    if (!this.#isOver && this.#place.mayBeOwn() && this.#place.isOwn()) this.#isOver = true
    else if (this.#isSuspended) this.#sees('request_body')
    if (isOther || status < 200 || status >= 300) this.#isOver = true
    if (this.#isOver) return
    const header = (name: string) => headers.find(([key]) => key === name)?.[1]
    this.#kind = answerKind(header('content-type'))
    this.#encoding = header('content-encoding')
    if (this.#kind === 'other') this.#isOver = true
    else if (this.#kind !== 'json' && isStreamOfModel(this.#kind, this.#url)) {
      this.#sees('event_stream')
    }
  }

  received(chunk: Uint8Array): void {
    if (this.#isOver) return
    this.#head.add(chunk)
    // A stream may go on for long.
    if (this.#head.isFull || this.#kind !== 'json') this.#readAnswer()
    if (this.#head.isFull) this.#isOver = true
  }

  finished(): void {
    if (!this.#isOver) this.#readAnswer()
    this.#isOver = true
  }

  failed(): void {
    this.#readRequest()
    if (this.#isSuspended && !this.#isOver) this.#sees('request_body')
    this.#isOver = true
  }

  #readRequest(): RequestSigns {
    if (this.#request !== undefined) return this.#request
    const request = requestSigns(this.#head.bytes().toString('latin1'))
    this.#request = request
    this.#head = new Head()
    if (request.isOfModel && this.#place.mayBeOwn()) this.#isSuspended = true
    else if (request.isOfModel) this.#sees('request_body')
    return request
  }

  #readAnswer(): void {
    const bytes = this.#head.bytes()
    const head = decodeBody(bytes, this.#encoding)?.toString('latin1', 0, headBytesMax) ?? ''
    if (this.#kind === 'json') {
      if (isModelAnswer(head)) this.#sees('answer_body')
    } else if (this.#request?.isLikeModel === true || isModelStream(head)) {
      this.#sees('event_stream')
    }
  }

  #sees(sign: UnknownTrafficSign): void {
    this.#isOver = true
    this.#place.onSign(sign)
  }
}

/** The first bytes of a body. */
class Head {
  #pieces: Buffer[] = []
  #size = 0

  get isFull(): boolean {
    return this.#size >= headBytesMax
  }

  add(chunk: string | Uint8Array): void {
    if (this.isFull) return
    const left = headBytesMax - this.#size
    // The owner may use the memory again.
    const piece =
      typeof chunk === 'string'
        ? Buffer.from(chunk.slice(0, left))
        : Buffer.from(chunk.subarray(0, left))
    this.#pieces.push(piece)
    this.#size += piece.length
  }

  bytes(): Buffer {
    const [only, ...others] = this.#pieces
    return only !== undefined && others.length === 0 ? only : Buffer.concat(this.#pieces)
  }
}
