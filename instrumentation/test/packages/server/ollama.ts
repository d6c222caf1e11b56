/** Ollama's own chat API. A request that does not mention a stream wants one. */
import { scenario } from '../scenario.ts'
import { json, thirdsOf, type Wire } from './wire.ts'

const common = { model: scenario.model, created_at: '2026-01-01T00:00:00Z' }
const end = {
  done: true,
  done_reason: 'stop',
  total_duration: 5,
  prompt_eval_count: scenario.usage.input,
  eval_count: scenario.usage.output,
}

export const ollama: Wire = ({ path, body, reply: { calls, text } }) => {
  if (path !== '/api/chat') return undefined
  const message = { role: 'assistant', content: '' }
  const uses = calls.map(({ name, input }) => ({ function: { name, arguments: input } }))
  const asked = calls.length === 0 ? undefined : { tool_calls: uses }
  if (body.stream === false) {
    return json({ ...common, message: { ...message, ...(asked ?? { content: text }) }, ...end })
  }
  const deltas = asked === undefined ? thirdsOf(text).map((content) => ({ content })) : [asked]
  const lines = [
    ...deltas.map((delta) => ({ ...common, message: { ...message, ...delta }, done: false })),
    { ...common, message, ...end },
  ]
  return {
    type: 'application/x-ndjson',
    pieces: lines.map((line) => `${JSON.stringify(line)}\n`),
  }
}
