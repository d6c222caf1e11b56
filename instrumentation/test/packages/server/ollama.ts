/** Ollama's own chat API. A request that does not mention a stream wants one. */
import { scenario } from '../scenario.ts'
import { answerPieces, json, type Wire } from './wire.ts'

const common = { model: scenario.model, created_at: '2026-01-01T00:00:00Z' }
const end = {
  done: true,
  done_reason: 'stop',
  total_duration: 5,
  prompt_eval_count: scenario.usage.input,
  eval_count: scenario.usage.output,
}
const call = { function: { name: scenario.tool.name, arguments: scenario.input } }

export const ollama: Wire = ({ path, body, hasResult }) => {
  if (path !== '/api/chat') return undefined
  const message = { role: 'assistant', content: '' }
  if (body.stream === false) {
    const given = hasResult ? { content: scenario.answer } : { tool_calls: [call] }
    return json({ ...common, message: { ...message, ...given }, ...end })
  }
  const deltas = hasResult ? answerPieces.map((content) => ({ content })) : [{ tool_calls: [call] }]
  const lines = [
    ...deltas.map((delta) => ({ ...common, message: { ...message, ...delta }, done: false })),
    { ...common, message, ...end },
  ]
  return {
    type: 'application/x-ndjson',
    pieces: lines.map((line) => `${JSON.stringify(line)}\n`),
  }
}
