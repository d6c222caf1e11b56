/**
 * Finds the tool calls that an answer asks for, and an error inside it, while its bytes pass on the host's main thread.
 *
 * The events of a stream are read as they come; a JSON body, and a stream that is encoded, are collected and read at
 * the end. A watcher holds at most `watchedBytesMax`: above that it releases everything and finds nothing more. The
 * bytes are recorded in any case, so nothing is lost. A stream's text need not be held and may be any length. Never throws.
 */
import { StringDecoder } from 'node:string_decoder'
import { viewOf } from '@turnlog/conventions/content/text'
import { decodeBody } from './decode-body.ts'
import type { AnswerHead, AnswerWatcher, ToolCallRequest } from './model-api.ts'
import { createSseParser, parseSse, type ServerSentEvent } from './sse.ts'

/** The limit of one recorded content: for a JSON answer, or for the incomplete tool calls of a stream. */
export const watchedBytesMax = 16 * 1024 ** 2

/** Reads one answer of one API. */
export interface AnswerReader {
  readonly hasError: boolean
  /** The length of the tool calls that have begun and are not complete. */
  readonly openLength: number
  /** Takes an event of a stream; returns the tool calls it completes. Most events are text: return early for those. */
  takeEvent(event: ServerSentEvent): ToolCallRequest[]
  /** Takes a whole JSON answer. */
  takeJson(text: string): readonly ToolCallRequest[]
}

export class BoundedWatcher implements AnswerWatcher {
  readonly #reader: AnswerReader
  readonly #isStream: boolean
  readonly #encoding: string | undefined
  readonly #decoder = new StringDecoder('utf8')
  #parser = createSseParser()
  #chunks: Buffer[] = []
  /** Of the collected chunks, or of an event that is not complete. */
  #heldBytes = 0
  #isOver: boolean = false

  constructor({ contentType, contentEncoding }: AnswerHead, reader: AnswerReader) {
    this.#reader = reader
    this.#isStream = /^\s*text\/event-stream\b/i.test(contentType ?? '')
    const isPlain = /^\s*(?:identity\s*)?$/i.test(contentEncoding ?? '')
    this.#encoding = isPlain ? undefined : contentEncoding
  }

  get hasError(): boolean {
    return this.#reader.hasError
  }

  push(chunk: Uint8Array): ToolCallRequest[] {
    if (this.#isOver) return []
    if (this.#heldBytes + this.#reader.openLength + chunk.byteLength > watchedBytesMax) {
      this.#release()
      return []
    }
    if (this.#isStream && this.#encoding === undefined) {
      const events = this.#parser.push(this.#decoder.write(viewOf(chunk)))
      this.#heldBytes = events.length > 0 ? 0 : this.#heldBytes + chunk.byteLength
      return this.#take(events)
    }
    // A copy: the memory of a chunk belongs to the host.
    this.#chunks.push(Buffer.from(chunk))
    this.#heldBytes += chunk.byteLength
    return []
  }

  end(): ToolCallRequest[] {
    if (this.#isOver) return []
    const rest = [...this.#parser.push(this.#decoder.end()), ...this.#parser.end()]
    const text = decodeBody(Buffer.concat(this.#chunks), this.#encoding)?.toString('utf8') ?? ''
    this.#release()
    if (!this.#isStream) return [...this.#reader.takeJson(text)]
    return this.#take(this.#encoding === undefined ? rest : parseSse(text))
  }

  #take(events: readonly ServerSentEvent[]): ToolCallRequest[] {
    return events.flatMap((event) => this.#reader.takeEvent(event))
  }

  #release(): void {
    this.#isOver = true
    this.#chunks = []
    this.#parser = createSseParser()
  }
}
