/**
 * A command-line agent whose SDK has a span of its own for a model call, and sends a failed request again inside that span. Knows nothing
 * of telemetry but for that span.
 */
import * as fs from 'node:fs'
import { SpanKind, trace } from '@opentelemetry/api'

interface Block {
  readonly type: string
  readonly id: string
  readonly input: { readonly path: string }
}

const { API = '' } = process.env
const tracer = trace.getTracer('sdk')
const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' }

function call(messages: readonly unknown[]): Promise<{ content: Block[] }> {
  return tracer.startActiveSpan(
    'sdk.create',
    { kind: SpanKind.CLIENT, attributes },
    async (span) => {
      const init = {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'm', max_tokens: 9, messages }),
      }
      let response = await fetch(`${API}/v1/messages`, init)
      if (!response.ok) {
        await response.text()
        response = await fetch(`${API}/v1/messages`, init)
      }
      const answer = (await response.json()) as { content: Block[] }
      span.end()
      return answer
    },
  )
}

const prompt = { role: 'user', content: 'write' }
const { content } = await call([prompt])
const results = content
  .filter(({ type }) => type === 'tool_use')
  .map(({ id, input }) => {
    fs.writeFileSync(input.path, 'by the tool\n')
    return { type: 'tool_result', tool_use_id: id, content: 'ok' }
  })
await call([prompt, { role: 'assistant', content }, { role: 'user', content: results }])
