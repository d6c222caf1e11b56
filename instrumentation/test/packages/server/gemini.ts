/** Gemini. */
import { scenario } from '../scenario.ts'
import { answerPieces, dataEvents, json, type Wire } from './wire.ts'

const { input, output } = scenario.usage

export const gemini: Wire = ({ path, query, hasResult }) => {
  if (!/:(?:g|streamG)enerateContent$/.test(path)) return undefined
  const id = hasResult ? 'response_2' : 'response_1'
  const call = { name: scenario.tool.name, args: scenario.input }
  if (!path.endsWith(':streamGenerateContent')) {
    const part = hasResult ? { text: scenario.answer } : { functionCall: call }
    return json(response(id, part, 'STOP'))
  }
  const parts = hasResult ? answerPieces.map((text) => ({ text })) : [{ functionCall: call }]
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
