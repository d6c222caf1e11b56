/** Writes an answer in the forms of the Messages API: one JSON message, or server-sent events. Pure. */

import { randomUUID } from 'node:crypto'
import type { ScriptedAnswer } from './script.ts'

/** The limit of pieces per block, so that a long block does not take too long. */
const piecesMax = 400
/** About three words, so that people see the text arrive. */
const pieceCharsMin = 16

/** A real token has about four characters of English text. */
const charsPerToken = 4

type WireBlock =
  | { readonly type: 'text'; readonly text: string }
  | {
      readonly type: 'tool_use'
      readonly id: string
      readonly name: string
      readonly input: object
    }

export interface StreamEvent {
  readonly type: string
  readonly [field: string]: unknown
}

/** Random, like the API's ids: two equal conversations must not share the id of a tool use. */
export function toWireMessage(
  answer: ScriptedAnswer,
  { model, requestChars }: { readonly model: string; readonly requestChars: number },
) {
  const content: WireBlock[] = answer.text === '' ? [] : [{ type: 'text', text: answer.text }]
  for (const { name, input } of answer.toolUses) {
    content.push({ type: 'tool_use', id: newId('toolu'), name, input })
  }
  return {
    id: newId('msg'),
    type: 'message',
    role: 'assistant',
    model,
    content,
    stop_reason: answer.toolUses.length > 0 ? 'tool_use' : 'end_turn',
    stop_sequence: null,
    usage: {
      input_tokens: tokens(requestChars),
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: tokens(JSON.stringify(content).length),
      service_tier: 'standard',
    },
  }
}

/** The events of one message, in the order of the API. */
export function* toEvents(message: ReturnType<typeof toWireMessage>): Generator<StreamEvent> {
  const { content, stop_reason, usage } = message
  yield {
    type: 'message_start',
    message: { ...message, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } },
  }
  for (const [index, block] of content.entries()) {
    const isText = block.type === 'text'
    const content_block = isText ? { ...block, text: '' } : { ...block, input: {} }
    yield { type: 'content_block_start', index, content_block }
    if (index === 0) yield { type: 'ping' }
    for (const piece of pieces(isText ? block.text : JSON.stringify(block.input))) {
      const delta = isText
        ? { type: 'text_delta', text: piece }
        : { type: 'input_json_delta', partial_json: piece }
      yield { type: 'content_block_delta', index, delta }
    }
    yield { type: 'content_block_stop', index }
  }
  yield {
    type: 'message_delta',
    delta: { stop_reason, stop_sequence: null },
    usage: { output_tokens: usage.output_tokens },
  }
  yield { type: 'message_stop' }
}

export function encodeEvent(event: StreamEvent): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}

/** Cuts between words if possible, and never inside a surrogate pair. */
export function* pieces(text: string): Generator<string> {
  const size = Math.max(pieceCharsMin, Math.ceil(text.length / piecesMax))
  for (let from = 0; from < text.length; ) {
    let to = Math.min(from + size, text.length)
    const space = text.indexOf(' ', to)
    if (space !== -1 && space - to < 8) to = space
    if (/[\uD800-\uDBFF]/.test(text.charAt(to - 1))) to += 1
    yield text.slice(from, to)
    from = to
  }
}

export function newId(kind: 'msg' | 'toolu' | 'req'): string {
  return `${kind}_${randomUUID().replaceAll('-', '')}`
}

function tokens(chars: number): number {
  return Math.max(1, Math.ceil(chars / charsPerToken))
}
