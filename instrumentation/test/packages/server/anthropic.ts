/** Anthropic's Messages, at its own address, at Bedrock's invoke and at Vertex AI. */

import { chunkMessage } from '../../models/event-stream.ts'
import { scenario } from '../scenario.ts'
import { json, namedEvents, type Reply, type ToolUse, thirdsOf, type Wire } from './wire.ts'

const { input, output } = scenario.usage

export const anthropic: Wire = ({ path, body, reply }) => {
  const isInvoke = /\/invoke(?:-with-response-stream)?$/.test(path)
  const isStreamed = body.stream === true || /(?:-stream|:streamRawPredict)$/.test(path)
  if (!isInvoke && !/\/messages$|:(?:stream)?[rR]awPredict$/.test(path)) return undefined
  const { calls, text } = reply
  const message = {
    id: `msg_${reply.number}`,
    type: 'message',
    role: 'assistant',
    model: scenario.model,
    content: calls.length === 0 ? [{ type: 'text', text }] : calls.map(blockOf),
    stop_reason: calls.length === 0 ? 'end_turn' : 'tool_use',
    stop_sequence: null,
    usage: { input_tokens: input, output_tokens: output },
  }
  if (!isStreamed) return json(message)
  const events = [
    {
      type: 'message_start',
      message: {
        ...message,
        content: [],
        stop_reason: null,
        usage: { input_tokens: input, output_tokens: 1 },
      },
    },
    ...contentEvents(reply),
    {
      type: 'message_delta',
      delta: { stop_reason: message.stop_reason, stop_sequence: null },
      usage: { output_tokens: output },
    },
    { type: 'message_stop' },
  ]
  return isInvoke
    ? { type: 'application/vnd.amazon.eventstream', pieces: events.map(chunkMessage) }
    : namedEvents(events)
}

function blockOf({ id, name, input }: ToolUse) {
  return { type: 'tool_use', id: `toolu_${id}`, name, input }
}

function contentEvents({ calls, text }: Reply) {
  if (calls.length === 0) {
    const deltas = thirdsOf(text).map((piece) => ({ type: 'text_delta', text: piece }))
    return blockEvents({ type: 'text', text: '' }, deltas, 0)
  }
  return calls.flatMap((call, index) => {
    const pieces = thirdsOf(JSON.stringify(call.input))
    const deltas = pieces.map((piece) => ({ type: 'input_json_delta', partial_json: piece }))
    return blockEvents({ ...blockOf(call), input: {} }, deltas, index)
  })
}

function blockEvents(block: object, deltas: readonly object[], index: number) {
  return [
    { type: 'content_block_start', index, content_block: block },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ]
}
