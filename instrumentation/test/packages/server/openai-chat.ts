/** OpenAI's Chat Completions, as OpenAI and Groq answer them, and below `/mistral` as Mistral does. */
import { isObject } from '@turnlog/conventions/plain'
import { scenario } from '../scenario.ts'
import { answerPieces, argumentPieces, argumentsText, dataEvents, json, type Wire } from './wire.ts'

const { callId, tool } = scenario
const { input, output } = scenario.usage
const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
const call = {
  id: callId,
  type: 'function',
  function: { name: tool.name, arguments: argumentsText },
}

export const openAiChat: Wire = ({ path, body, hasResult }) => {
  if (!path.endsWith('/chat/completions')) return undefined
  const isMistral = path.startsWith('/mistral/')
  // As with the real APIs, no two answers have the same id.
  const common = { id: hasResult ? 'chatcmpl-2' : 'chatcmpl-1', created: 1, model: scenario.model }
  const finish = hasResult ? 'stop' : 'tool_calls'
  if (body.stream !== true) {
    const given = hasResult ? { content: scenario.answer } : { content: null, tool_calls: [call] }
    // Old versions of Mistral's client insist on the member.
    const message = { role: 'assistant', ...given, ...(isMistral ? { prefix: false } : {}) }
    return json({
      ...common,
      object: 'chat.completion',
      choices: [{ index: 0, message, logprobs: null, finish_reason: finish }],
      usage,
    })
  }
  const callDeltas = isMistral ? [{ tool_calls: [{ index: 0, ...call }] }] : callPieces
  const deltas = hasResult ? answerPieces.map((content) => ({ content })) : callDeltas
  const object = 'chat.completion.chunk'
  const chunks = [{ role: 'assistant', content: '' }, ...deltas].map((delta) => ({
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

const callPieces = [
  { tool_calls: [{ index: 0, ...call, function: { name: tool.name, arguments: '' } }] },
  ...argumentPieces.map((piece) => ({
    tool_calls: [{ index: 0, function: { arguments: piece } }],
  })),
]
