/**
 * Finds the tool calls that an answer asks for, and an error inside it, while its bytes pass on the host's main thread.
 *
 * The events of a stream are read as they come; a JSON body, and a stream that is encoded, are collected and read at
 * the end. A watcher holds at most `watchedBytesMax`: above that it releases everything and finds nothing more. The
 * bytes are recorded in any case, so nothing is lost. A stream's text need not be held and may be any length. Never throws.
 */
import {
  type AnswerEvent,
  createFrameReader,
  type FrameReader,
  type Framing,
  framingOf,
  looksLikeEvents,
  readFrames,
} from './answer-events.ts'
import { decodeBody } from './decode-body.ts'
import type { AnswerHead, AnswerWatcher, ToolCallRequest } from './model-api.ts'

/** The limit of one recorded content: for a JSON answer, or for the incomplete tool calls of a stream. */
export const watchedBytesMax = 16 * 1024 ** 2

/** The last event of a whole stream, in any of the APIs that have one. */
const lastEvent =
  /\[DONE\]\s*$|"type":\s*"(?:message_stop|message-end|response\.completed|conversation\.response\.done)"|"finishReason":\s*"\w|"(?:done|stop)":\s*true/

/** Reads one answer of one API. */
export interface AnswerReader {
  readonly hasError: boolean
  /** As in `AnswerWatcher`, of an API that keeps its answers or has a background. */
  readonly id?: string | undefined
  readonly conversation?: string | undefined
  readonly isPending?: boolean
  /** The length of the tool calls that have begun and are not complete. */
  readonly openLength: number
  /** Takes an event of a stream; returns the tool calls it completes. Most events are text: return early for those. */
  takeEvent(event: AnswerEvent): ToolCallRequest[]
  /** As in `AnswerWatcher`, of an API that says only at the end of an answer which calls are complete. */
  takeWhole?(): ToolCallRequest[]
  /** Takes a whole JSON answer. */
  takeJson(text: string): readonly ToolCallRequest[]
}

export class BoundedWatcher implements AnswerWatcher {
  readonly #reader: AnswerReader
  readonly #framing: Framing | undefined
  readonly #encoding: string | undefined
  /** Splits a stream into events while its bytes come; `undefined` if the answer is read at its end. */
  #frames: FrameReader | undefined
  #chunks: Buffer[] = []
  /** Of the collected chunks, or of an event that is not complete. */
  #heldBytes = 0
  #isOver: boolean = false
  #last: AnswerEvent | undefined

  constructor({ contentType, contentEncoding }: AnswerHead, reader: AnswerReader) {
    this.#reader = reader
    this.#framing = framingOf(contentType)
    const isPlain = /^\s*(?:identity\s*)?$/i.test(contentEncoding ?? '')
    this.#encoding = isPlain ? undefined : contentEncoding
    if (isPlain && this.#framing !== undefined) this.#frames = createFrameReader(this.#framing)
  }

  get hasError(): boolean {
    return this.#reader.hasError
  }

  get isWhole(): boolean {
    return lastEvent.test(this.#last?.data ?? '')
  }

  get id(): string | undefined {
    return this.#reader.id
  }

  get conversation(): string | undefined {
    return this.#reader.conversation
  }

  get isPending(): boolean {
    return this.#reader.isPending === true
  }

  push(chunk: Uint8Array): ToolCallRequest[] {
    if (this.#isOver) return []
    if (this.#heldBytes + this.#reader.openLength + chunk.byteLength > watchedBytesMax) {
      this.#release()
      return []
    }
    if (this.#frames !== undefined) {
      const events = this.#frames.push(chunk)
      this.#heldBytes = events.length > 0 ? 0 : this.#heldBytes + chunk.byteLength
      return this.#take(events)
    }
    // A copy: the memory of a chunk belongs to the host.
    this.#chunks.push(Buffer.from(chunk))
    this.#heldBytes += chunk.byteLength
    return []
  }

  takeWhole(): ToolCallRequest[] {
    return this.#isOver ? [] : (this.#reader.takeWhole?.() ?? [])
  }

  end(): ToolCallRequest[] {
    if (this.#isOver) return []
    const rest = this.#frames?.end()
    const body = decodeBody(Buffer.concat(this.#chunks), this.#encoding) ?? Buffer.alloc(0)
    this.#release()
    if (rest !== undefined) return this.#take(rest)
    const framing = this.#framing ?? (looksLikeEvents(body) ? 'events' : undefined)
    if (framing !== undefined) return this.#take(readFrames(framing, body))
    return [...this.#reader.takeJson(body.toString('utf8'))]
  }

  #take(events: readonly AnswerEvent[]): ToolCallRequest[] {
    this.#last = events.at(-1) ?? this.#last
    return events.flatMap((event) => this.#reader.takeEvent(event))
  }

  #release(): void {
    this.#isOver = true
    this.#chunks = []
    this.#frames = undefined
  }
}
