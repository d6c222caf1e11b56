/** Anthropic's Messages, at its own address, at Bedrock's invoke and at Vertex AI. */

import { chunkMessage } from '../../models/event-stream.ts'
import { scenario } from '../scenario.ts'
import { json, namedEvents, type Reply, type ToolUse, thirdsOf, type Wire } from './wire.ts'

const { input, output } = scenario.usage

export const anthropic: Wire = ({ path, body, reply }) => {
  const isInvoke = /\/invoke(?:-with-response-stream)?$/.test(path)
  const isStreamed = body.stream === true || /(?:-stream|:streamRawPredict)$/.test(path)
  if (!isInvoke && !/\/messages$|:(?:stream)?[rR]awPredict$/.test(path)) return undefined
  const { call, text } = reply
  const message = {
    id: `msg_${reply.number}`,
    type: 'message',
    role: 'assistant',
    model: scenario.model,
    content: [call === undefined ? { type: 'text', text } : blockOf(call)],
    stop_reason: call === undefined ? 'end_turn' : 'tool_use',
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
    { type: 'content_block_stop', index: 0 },
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

function contentEvents({ call, text }: Reply) {
  const block = call === undefined ? { type: 'text', text: '' } : { ...blockOf(call), input: {} }
  const deltas =
    call === undefined
      ? thirdsOf(text).map((piece) => ({ type: 'text_delta', text: piece }))
      : thirdsOf(JSON.stringify(call.input)).map((piece) => ({
          type: 'input_json_delta',
          partial_json: piece,
        }))
  return [
    { type: 'content_block_start', index: 0, content_block: block },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index: 0, delta })),
  ]
}
