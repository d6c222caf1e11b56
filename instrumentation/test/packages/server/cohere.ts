/** Cohere's chat API, version 2. */
import { scenario } from '../scenario.ts'
import { json, namedEvents, type ToolUse, thirdsOf, type Wire } from './wire.ts'

const { input, output } = scenario.usage
const usage = {
  billed_units: { input_tokens: input, output_tokens: output },
  tokens: { input_tokens: input, output_tokens: output },
}

export const cohere: Wire = ({ path, body, reply: { calls, text } }) => {
  if (path !== '/v2/chat') return undefined
  const finish = { finish_reason: calls.length === 0 ? 'COMPLETE' : 'TOOL_CALL', usage }
  if (body.stream !== true) {
    const given =
      calls.length === 0
        ? { content: [{ type: 'text', text }] }
        : {
            tool_plan: 'I write it.',
            tool_calls: calls.map((call) => callOf(call, JSON.stringify(call.input))),
          }
    return json({ id: 'co_1', message: { role: 'assistant', ...given }, ...finish })
  }
  return namedEvents([
    event('message-start', { role: 'assistant', content: [], tool_calls: [], citations: [] }),
    ...(calls.length === 0
      ? textEvents(text)
      : [event('tool-plan-delta', { tool_plan: 'I write it.' }), ...calls.flatMap(callEvents)]),
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

function callEvents(call: ToolUse, index: number) {
  return [
    event('tool-call-start', { tool_calls: callOf(call, '') }, index),
    ...thirdsOf(JSON.stringify(call.input)).map((piece) =>
      event('tool-call-delta', { tool_calls: { function: { arguments: piece } } }, index),
    ),
    event('tool-call-end', undefined, index),
  ]
}

function callOf({ id, name }: ToolUse, text: string) {
  return { id, type: 'function', function: { name, arguments: text } }
}

function event(type: string, message: object | undefined, index = 0) {
  return { type, id: 'co_1', index, ...(message === undefined ? {} : { delta: { message } }) }
}
