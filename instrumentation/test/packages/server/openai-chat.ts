/** OpenAI's Chat Completions, as OpenAI and Groq answer them, and below `/mistral` as Mistral does. */
import { isObject } from '@turnlog/conventions/plain'
import { scenario } from '../scenario.ts'
import { dataEvents, json, type Reply, type ToolUse, thirdsOf, type Wire } from './wire.ts'

const { input, output } = scenario.usage
const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }

export const openAiChat: Wire = ({ path, body, reply }) => {
  if (!path.endsWith('/chat/completions')) return undefined
  const isMistral = path.startsWith('/mistral/')
  const { calls, text } = reply
  const common = { id: `chatcmpl-${reply.number}`, created: 1, model: scenario.model }
  const finish = calls.length === 0 ? 'stop' : 'tool_calls'
  if (body.stream !== true) {
    const given =
      calls.length === 0 ? { content: text } : { content: null, tool_calls: calls.map(wholeCall) }
    // Old versions of Mistral's client insist on the member.
    const message = { role: 'assistant', ...given, ...(isMistral ? { prefix: false } : {}) }
    return json({
      ...common,
      object: 'chat.completion',
      choices: [{ index: 0, message, logprobs: null, finish_reason: finish }],
      usage,
    })
  }
  const object = 'chat.completion.chunk'
  const deltas = [{ role: 'assistant', content: '' }, ...deltasOf(reply, isMistral)]
  const chunks = deltas.map((delta) => ({
    ...common,
    object,
    choices: [{ index: 0, delta, finish_reason: null }],
  }))
  const last = { ...common, object, choices: [{ index: 0, delta: {}, finish_reason: finish }] }
  if (isMistral) return dataEvents([...chunks, { ...last, usage }], '[DONE]')
  // OpenAI sends the usage only if it is asked for, in a chunk without choices.
  const { stream_options: options } = body
  const isAsked = isObject(options) && options.include_usage === true
  const end = isAsked ? [{ ...common, object, choices: [], usage }] : []
  return { ...dataEvents([...chunks, last, ...end], '[DONE]'), isWithoutUsage: !isAsked }
}

function deltasOf({ calls, text }: Reply, isMistral: boolean): readonly object[] {
  if (calls.length === 0) return thirdsOf(text).map((content) => ({ content }))
  return calls.flatMap((call, index) => {
    const whole = wholeCall(call)
    if (isMistral) return [{ tool_calls: [{ index, ...whole }] }]
    return [
      { tool_calls: [{ index, ...whole, function: { name: call.name, arguments: '' } }] },
      ...thirdsOf(whole.function.arguments).map((piece) => ({
        tool_calls: [{ index, function: { arguments: piece } }],
      })),
    ]
  })
}

function wholeCall({ id, name, input }: ToolUse) {
  return { id, type: 'function', function: { name, arguments: JSON.stringify(input) } }
}
