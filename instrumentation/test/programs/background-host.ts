/**
 * An agent of the command line that lets OpenAI's Responses work in the background. `WAY`: how it gets the answer. With `TRACED` it has
 * a span of its own for each call, as an SDK that traces itself; else it knows nothing of telemetry.
 */
import * as fs from 'node:fs'
import { SpanKind, trace } from '@opentelemetry/api'
import OpenAI from 'openai'

const { API = '', WAY = 'poll', TRACED } = process.env
const client = new OpenAI({ apiKey: 'k', baseURL: `${API}/v1`, maxRetries: 0 })
type Response = OpenAI.Responses.Response
type Input = OpenAI.Responses.ResponseInput

/** Asks for the answer until it is there. */
async function poll(first: Response): Promise<Response> {
  let response = first
  while (response.status === 'queued' || response.status === 'in_progress') {
    response = await client.responses.retrieve(response.id)
  }
  return response
}

function ask(input: Input, before?: string): Promise<Response> {
  if (TRACED === undefined) return send(input, before)
  const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai' }
  const options = { kind: SpanKind.CLIENT, attributes }
  return trace.getTracer('sdk').startActiveSpan('chat gpt-test', options, async (span) => {
    try {
      const response = await send(input, before)
      span.setAttribute('gen_ai.response.id', response.id)
      return response
    } finally {
      span.end()
    }
  })
}

async function send(input: Input, before?: string): Promise<Response> {
  const request = {
    model: 'gpt-test',
    background: true,
    input,
    previous_response_id: before ?? null,
  }
  if (WAY !== 'resume') return client.responses.create(request)
  let id = ''
  try {
    for await (const event of await client.responses.create({ ...request, stream: true })) {
      if (event.type === 'response.created') id = event.response.id
      if (event.type === 'response.completed') return event.response
    }
  } catch {
    // The connection broke.
  }
  const rest = await client.responses.retrieve(id, { stream: true, starting_after: 0 })
  for await (const event of rest) if (event.type === 'response.completed') return event.response
  throw new Error('no answer')
}

let response = await ask([{ role: 'user', content: 'Think hard' }])
if (WAY === 'never') process.exit(0)
if (WAY === 'cancel') {
  await client.responses.cancel(response.id)
  process.exit(0)
}
response = await poll(response)
for (;;) {
  const calls = response.output.filter((item) => item.type === 'function_call')
  if (calls.length === 0) break
  const results = calls.map(({ call_id, arguments: given }) => {
    fs.writeFileSync(JSON.parse(given).path, 'written')
    return { type: 'function_call_output' as const, call_id, output: 'written' }
  })
  response = await poll(await ask(results, response.id))
}
const [last] = response.output
const [content] = last?.type === 'message' ? last.content : []
console.log(content?.type === 'output_text' ? content.text : 'nothing')
