/** Amazon Bedrock's Converse. */

import { eventMessage } from '../../models/event-stream.ts'
import { scenario } from '../scenario.ts'
import { json, thirdsOf, type Wire } from './wire.ts'

const { input, output } = scenario.usage
const usage = { inputTokens: input, outputTokens: output, totalTokens: input + output }
const metrics = { latencyMs: 1 }

export const bedrock: Wire = ({ path, reply: { call, text } }) => {
  const stopReason = call === undefined ? 'end_turn' : 'tool_use'
  const toolUse = call && { toolUseId: call.id, name: call.name }
  if (path.endsWith('/converse')) {
    const part = call === undefined ? { text } : { toolUse: { ...toolUse, input: call.input } }
    const message = { role: 'assistant', content: [part] }
    return json({ output: { message }, stopReason, usage, metrics })
  }
  if (!path.endsWith('/converse-stream')) return undefined
  const deltas =
    call === undefined
      ? thirdsOf(text).map((piece) => ({ text: piece }))
      : thirdsOf(JSON.stringify(call.input)).map((piece) => ({ toolUse: { input: piece } }))
  return {
    type: 'application/vnd.amazon.eventstream',
    pieces: [
      eventMessage('messageStart', { role: 'assistant' }),
      ...(toolUse === undefined
        ? []
        : [eventMessage('contentBlockStart', { contentBlockIndex: 0, start: { toolUse } })]),
      ...deltas.map((delta) => eventMessage('contentBlockDelta', { contentBlockIndex: 0, delta })),
      eventMessage('contentBlockStop', { contentBlockIndex: 0 }),
      eventMessage('messageStop', { stopReason }),
      eventMessage('metadata', { usage, metrics }),
    ],
  }
}
