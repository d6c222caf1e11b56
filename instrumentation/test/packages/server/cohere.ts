/** Cohere's chat API, version 2. */
import { scenario } from '../scenario.ts'
import {
  answerPieces,
  argumentPieces,
  argumentsText,
  json,
  namedEvents,
  type Wire,
} from './wire.ts'

const { input, output } = scenario.usage
const usage = {
  billed_units: { input_tokens: input, output_tokens: output },
  tokens: { input_tokens: input, output_tokens: output },
}

export const cohere: Wire = ({ path, body, hasResult }) => {
  if (path !== '/v2/chat') return undefined
  const finish = { finish_reason: hasResult ? 'COMPLETE' : 'TOOL_CALL', usage }
  if (body.stream !== true) {
    const given = hasResult
      ? { content: [{ type: 'text', text: scenario.answer }] }
      : { tool_plan: 'I write it.', tool_calls: [callOf(argumentsText)] }
    return json({ id: 'co_1', message: { role: 'assistant', ...given }, ...finish })
  }
  return namedEvents([
    event('message-start', { role: 'assistant', content: [], tool_calls: [], citations: [] }),
    ...(hasResult ? textEvents : callEvents),
    { type: 'message-end', delta: finish },
  ])
}

const textEvents = [
  event('content-start', { content: { type: 'text', text: '' } }),
  ...answerPieces.map((text) => event('content-delta', { content: { text } })),
  event('content-end', undefined),
]

const callEvents = [
  event('tool-plan-delta', { tool_plan: 'I write it.' }),
  event('tool-call-start', { tool_calls: callOf('') }),
  ...argumentPieces.map((piece) =>
    event('tool-call-delta', { tool_calls: { function: { arguments: piece } } }),
  ),
  event('tool-call-end', undefined),
]

function callOf(text: string) {
  const { callId, tool } = scenario
  return { id: callId, type: 'function', function: { name: tool.name, arguments: text } }
}

function event(type: string, message: object | undefined) {
  return { type, id: 'co_1', index: 0, ...(message === undefined ? {} : { delta: { message } }) }
}
