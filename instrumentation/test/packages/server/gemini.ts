/** Gemini. */
import { scenario } from '../scenario.ts'
import { dataEvents, json, thirdsOf, type Wire } from './wire.ts'

const { input, output } = scenario.usage

export const gemini: Wire = ({ path, query, reply }) => {
  if (!/:(?:g|streamG)enerateContent$/.test(path)) return undefined
  const id = `response_${reply.number}`
  const { calls, text } = reply
  const uses = calls.map(({ name, input }) => ({ functionCall: { name, args: input } }))
  if (!path.endsWith(':streamGenerateContent')) {
    return json(response(id, uses.length === 0 ? [{ text }] : uses, 'STOP'))
  }
  const parts = uses.length === 0 ? thirdsOf(text).map((piece) => ({ text: piece })) : uses
  const chunks = parts.map((part, index) =>
    response(id, [part], index === parts.length - 1 ? 'STOP' : undefined),
  )
  return query.get('alt') === 'sse' ? dataEvents(chunks) : json(chunks)
}

function response(id: string, parts: readonly object[], finishReason: string | undefined) {
  return {
    candidates: [{ content: { role: 'model', parts }, index: 0, finishReason }],
    usageMetadata: {
      promptTokenCount: input,
      candidatesTokenCount: output,
      totalTokenCount: input + output,
    },
    modelVersion: scenario.model,
    responseId: id,
  }
}
