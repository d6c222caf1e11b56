/** Amazon Bedrock's Converse. */

import { eventMessage } from '../../models/event-stream.ts'
import { scenario } from '../scenario.ts'
import { answerPieces, argumentPieces, json, type Wire } from './wire.ts'

const { input, output } = scenario.usage
const usage = { inputTokens: input, outputTokens: output, totalTokens: input + output }
const metrics = { latencyMs: 1 }
const call = { toolUseId: scenario.callId, name: scenario.tool.name }

export const bedrock: Wire = ({ path, hasResult }) => {
  const stopReason = hasResult ? 'end_turn' : 'tool_use'
  if (path.endsWith('/converse')) {
    const part = hasResult
      ? { text: scenario.answer }
      : { toolUse: { ...call, input: scenario.input } }
    const message = { role: 'assistant', content: [part] }
    return json({ output: { message }, stopReason, usage, metrics })
  }
  if (!path.endsWith('/converse-stream')) return undefined
  const deltas = hasResult
    ? answerPieces.map((text) => ({ text }))
    : argumentPieces.map((piece) => ({ toolUse: { input: piece } }))
  return {
    type: 'application/vnd.amazon.eventstream',
    pieces: [
      eventMessage('messageStart', { role: 'assistant' }),
      ...(hasResult
        ? []
        : [eventMessage('contentBlockStart', { contentBlockIndex: 0, start: { toolUse: call } })]),
      ...deltas.map((delta) => eventMessage('contentBlockDelta', { contentBlockIndex: 0, delta })),
      eventMessage('contentBlockStop', { contentBlockIndex: 0 }),
      eventMessage('messageStop', { stopReason }),
      eventMessage('metadata', { usage, metrics }),
    ],
  }
}
