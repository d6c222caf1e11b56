/** Amazon Bedrock's Converse. */

import { eventMessage } from '../../models/event-stream.ts'
import { scenario } from '../scenario.ts'
import { json, type ToolUse, thirdsOf, type Wire } from './wire.ts'

const { input, output } = scenario.usage
const usage = { inputTokens: input, outputTokens: output, totalTokens: input + output }
const metrics = { latencyMs: 1 }

export const bedrock: Wire = ({ path, reply: { calls, text } }) => {
  const stopReason = calls.length === 0 ? 'end_turn' : 'tool_use'
  if (path.endsWith('/converse')) {
    const uses = calls.map((call) => ({ toolUse: { ...useOf(call), input: call.input } }))
    const message = { role: 'assistant', content: calls.length === 0 ? [{ text }] : uses }
    return json({ output: { message }, stopReason, usage, metrics })
  }
  if (!path.endsWith('/converse-stream')) return undefined
  return {
    type: 'application/vnd.amazon.eventstream',
    pieces: [
      eventMessage('messageStart', { role: 'assistant' }),
      ...(calls.length === 0
        ? partEvents(
            thirdsOf(text).map((piece) => ({ text: piece })),
            0,
          )
        : calls.flatMap(callEvents)),
      eventMessage('messageStop', { stopReason }),
      eventMessage('metadata', { usage, metrics }),
    ],
  }
}

function callEvents(call: ToolUse, index: number) {
  const start = { contentBlockIndex: index, start: { toolUse: useOf(call) } }
  const pieces = thirdsOf(JSON.stringify(call.input))
  const deltas = pieces.map((piece) => ({ toolUse: { input: piece } }))
  return [eventMessage('contentBlockStart', start), ...partEvents(deltas, index)]
}

function partEvents(deltas: readonly object[], contentBlockIndex: number) {
  return [
    ...deltas.map((delta) => eventMessage('contentBlockDelta', { contentBlockIndex, delta })),
    eventMessage('contentBlockStop', { contentBlockIndex }),
  ]
}

function useOf({ id, name }: ToolUse) {
  return { toolUseId: id, name }
}
