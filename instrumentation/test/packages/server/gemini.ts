/** Gemini. */
import { scenario } from '../scenario.ts'
import { dataEvents, json, thirdsOf, type Wire } from './wire.ts'

const { input, output } = scenario.usage

export const gemini: Wire = ({ path, query, reply }) => {
  if (!/:(?:g|streamG)enerateContent$/.test(path)) return undefined
  const id = `response_${reply.number}`
  const { text } = reply
  const call = reply.call && { name: reply.call.name, args: reply.call.input }
  if (!path.endsWith(':streamGenerateContent')) {
    const part = call === undefined ? { text } : { functionCall: call }
    return json(response(id, part, 'STOP'))
  }
  const parts =
    call === undefined ? thirdsOf(text).map((piece) => ({ text: piece })) : [{ functionCall: call }]
  const chunks = parts.map((part, index) =>
    response(id, part, index === parts.length - 1 ? 'STOP' : undefined),
  )
  return query.get('alt') === 'sse' ? dataEvents(chunks) : json(chunks)
}

function response(id: string, part: object, finishReason: string | undefined) {
  return {
    candidates: [{ content: { role: 'model', parts: [part] }, index: 0, finishReason }],
    usageMetadata: {
      promptTokenCount: input,
      candidatesTokenCount: output,
      totalTokenCount: input + output,
    },
    modelVersion: scenario.model,
    responseId: id,
  }
}
