/**
 * Sees the tools that an answer asks for, and an error that ends it, while its bytes pass: for the host's thread, so as
 * little as it takes.
 *
 * A streamed `tool_use` is told when its block is complete, one in a JSON answer at the end. Only the
 * events of tool blocks are parsed. An encoded body is collected and decoded at the end. When it would hold more than
 * `watchedBytesMax` it gives up: it holds nothing more and tells nothing more; the wire bytes, which are
 * recorded anyway, still have everything. What it need not hold, such as the texts of a stream, may be any length.
 * Never throws.
 */
import { StringDecoder } from 'node:string_decoder'
import { viewOf } from '@turnlog/conventions/content/text'
import {
  asNumber,
  asObject,
  asString,
  type JsonObject,
  parseJson,
} from '@turnlog/conventions/plain'
import {
  errorOf,
  readJsonAnswer,
  readStreamedAnswer,
  type ToolUse,
  toToolUse,
} from './anthropic-answer.ts'
import { decodeBody } from './decode-body.ts'
import { createSseParser, type ServerSentEvent } from './sse.ts'

/** As much as one content may have: of a JSON answer, of the tools of a stream that are not complete. */
export const watchedBytesMax = 16 * 1024 ** 2

export interface ToolUseWatcher {
  push(chunk: Uint8Array): ToolUse[]
  end(): ToolUse[]
  /** Whether the API has put an error into the answer, whose status said that all was well. */
  hasError(): boolean
}

interface HoldingWatcher extends ToolUseWatcher {
  /** About what it holds, in bytes. */
  held(): number
  release(): void
}

export function createToolUseWatcher(
  contentType: string | undefined,
  contentEncoding?: string,
): ToolUseWatcher {
  const isStream = /^\s*text\/event-stream\b/i.test(contentType ?? '')
  const isPlain = /^\s*(?:identity\s*)?$/i.test(contentEncoding ?? '')
  return bounded(
    isStream && isPlain
      ? createStreamWatcher()
      : createWholeWatcher(isStream, isPlain ? undefined : contentEncoding),
  )
}

function bounded(watcher: HoldingWatcher): ToolUseWatcher {
  let active: ToolUseWatcher | undefined = watcher
  return {
    push(chunk) {
      if (active !== undefined && watcher.held() + chunk.byteLength > watchedBytesMax) {
        active = undefined
        watcher.release()
      }
      return active?.push(chunk) ?? []
    },
    end() {
      const uses = active?.end() ?? []
      active = undefined
      return uses
    },
    hasError: () => watcher.hasError(),
  }
}

function createStreamWatcher(): HoldingWatcher {
  const decoder = new StringDecoder('utf8')
  let parser = createSseParser()
  const open = new Map<number, { readonly block: JsonObject; json: string }>()
  /** Of an event that is not complete. */
  let pendingBytes = 0

  let hasError = false

  function take({ name, data }: ServerSentEvent): ToolUse[] {
    if (name === 'error' || isError(data)) hasError = true
    // The texts of the answer, most of its events, are told apart without parsing.
    if (open.size === 0 && !data.includes('tool_use')) return []
    const event = asObject(parseJson(data))
    const index = asNumber(event?.index) ?? 0
    const block = asObject(event?.content_block)
    const delta = asObject(event?.delta)
    if (event?.type === 'content_block_start' && block?.type === 'tool_use') {
      open.set(index, { block, json: '' })
    } else if (event?.type === 'content_block_delta') {
      const use = open.get(index)
      if (use !== undefined) use.json += asString(delta?.partial_json) ?? ''
    } else if (event?.type === 'content_block_stop') {
      const use = open.get(index)
      open.delete(index)
      const complete = use && toToolUse(use.block, use.json === '' ? undefined : use.json)
      return complete === undefined ? [] : [complete]
    }
    return []
  }

  return {
    push(chunk) {
      const events = parser.push(decoder.write(viewOf(chunk)))
      pendingBytes = events.length > 0 ? 0 : pendingBytes + chunk.byteLength
      return events.flatMap(take)
    },
    end: () => [...parser.push(decoder.end()), ...parser.end()].flatMap(take),
    hasError: () => hasError,
    held: () => [...open.values()].reduce((sum, { json }) => sum + json.length, pendingBytes),
    release() {
      parser = createSseParser()
      open.clear()
    },
  }
}

function createWholeWatcher(
  isStream: boolean,
  contentEncoding: string | undefined,
): HoldingWatcher {
  const chunks: Buffer[] = []
  let heldBytes = 0
  let hasError = false
  return {
    push(chunk) {
      // A copy: the memory of a chunk belongs to the host.
      chunks.push(Buffer.from(chunk))
      heldBytes += chunk.byteLength
      return []
    },
    end() {
      const text = decodeBody(Buffer.concat(chunks), contentEncoding)?.toString('utf8')
      chunks.length = 0
      if (text === undefined || !(text.includes('tool_use') || text.includes(errorMark))) return []
      const answer = isStream ? readStreamedAnswer(text) : readJsonAnswer(text)
      hasError = answer?.error !== undefined
      return [...(answer?.closedToolUses ?? [])]
    },
    hasError: () => hasError,
    held: () => heldBytes,
    release() {
      chunks.length = 0
    },
  }
}

/** Inside of a text the quotes would be escaped, so it is a key or a value: few answers are parsed for it. */
const errorMark = '"error"'

function isError(data: string): boolean {
  return data.includes(errorMark) && errorOf(parseJson(data)) !== undefined
}
