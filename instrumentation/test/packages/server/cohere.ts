/** Cohere's chat API, version 2. */
import { scenario } from '../scenario.ts'
import { json, namedEvents, type ToolUse, thirdsOf, type Wire } from './wire.ts'

const { input, output } = scenario.usage
const usage = {
  billed_units: { input_tokens: input, output_tokens: output },
  tokens: { input_tokens: input, output_tokens: output },
}

export const cohere: Wire = ({ path, body, reply: { call, text } }) => {
  if (path !== '/v2/chat') return undefined
  const finish = { finish_reason: call === undefined ? 'COMPLETE' : 'TOOL_CALL', usage }
  if (body.stream !== true) {
    const given =
      call === undefined
        ? { content: [{ type: 'text', text }] }
        : { tool_plan: 'I write it.', tool_calls: [callOf(call, JSON.stringify(call.input))] }
    return json({ id: 'co_1', message: { role: 'assistant', ...given }, ...finish })
  }
  return namedEvents([
    event('message-start', { role: 'assistant', content: [], tool_calls: [], citations: [] }),
    ...(call === undefined ? textEvents(text) : callEvents(call)),
    { type: 'message-end', delta: finish },
  ])
}

function textEvents(text: string) {
  return [
    event('content-start', { content: { type: 'text', text: '' } }),
    ...thirdsOf(text).map((piece) => event('content-delta', { content: { text: piece } })),
    event('content-end', undefined),
  ]
}

function callEvents(call: ToolUse) {
  return [
    event('tool-plan-delta', { tool_plan: 'I write it.' }),
    event('tool-call-start', { tool_calls: callOf(call, '') }),
    ...thirdsOf(JSON.stringify(call.input)).map((piece) =>
      event('tool-call-delta', { tool_calls: { function: { arguments: piece } } }),
    ),
    event('tool-call-end', undefined),
  ]
}

function callOf({ id, name }: ToolUse, text: string) {
  return { id, type: 'function', function: { name, arguments: text } }
}

function event(type: string, message: object | undefined) {
  return { type, id: 'co_1', index: 0, ...(message === undefined ? {} : { delta: { message } }) }
}
