/** Anthropic's Messages, at its own address, at Bedrock's invoke and at Vertex AI. */

import { chunkMessage } from '../../models/event-stream.ts'
import { scenario } from '../scenario.ts'
import { answerPieces, argumentPieces, json, namedEvents, type Wire } from './wire.ts'

const { input, output } = scenario.usage
const call = {
  type: 'tool_use',
  id: `toolu_${scenario.callId}`,
  name: scenario.tool.name,
  input: scenario.input,
}

export const anthropic: Wire = ({ path, body, hasResult }) => {
  const isInvoke = /\/invoke(?:-with-response-stream)?$/.test(path)
  const isStreamed = body.stream === true || /(?:-stream|:streamRawPredict)$/.test(path)
  if (!isInvoke && !/\/messages$|:(?:stream)?[rR]awPredict$/.test(path)) return undefined
  const message = {
    id: hasResult ? 'msg_2' : 'msg_1',
    type: 'message',
    role: 'assistant',
    model: scenario.model,
    content: [hasResult ? { type: 'text', text: scenario.answer } : call],
    stop_reason: hasResult ? 'end_turn' : 'tool_use',
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
    ...(hasResult ? textEvents : callEvents),
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

const textEvents = [
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  ...answerPieces.map((text) => ({
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'text_delta', text },
  })),
]

const callEvents = [
  { type: 'content_block_start', index: 0, content_block: { ...call, input: {} } },
  ...argumentPieces.map((piece) => ({
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'input_json_delta', partial_json: piece },
  })),
]
