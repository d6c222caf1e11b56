/**
 * A localhost agent app whose libraries trace themselves with OpenTelemetry's API, each in its dialect. It has no SDK, or gives its
 * libraries a tracer of an SDK that it does not register (`TRACER=own`). Knows nothing of telemetry.
 */
import { writeFileSync } from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Attributes, type Span, type SpanOptions, trace } from '@opentelemetry/api'
import { TracerProvider } from '@opentelemetry/sdk-trace'

const { API, TRACER } = process.env
const provider = TRACER === 'own' ? new TracerProvider() : trace.getTracerProvider()

interface ToolUse {
  readonly type: string
  readonly id: string
  readonly name: string
  readonly input: { readonly path: string }
}

/** A span as a library starts it, and what it adds to it later. */
interface Named {
  readonly name: string
  readonly start?: Attributes
  readonly later?: Attributes
  readonly options?: SpanOptions
}

interface Library {
  readonly scope: string
  readonly agent?: Named
  readonly call: Named
  readonly tool: (use: ToolUse) => Named
}

const libraries: Readonly<Record<string, Library>> = {
  'ai-sdk': {
    scope: 'ai',
    agent: { name: 'ai.generateText', start: { 'ai.operationId': 'ai.generateText' } },
    call: {
      name: 'ai.generateText.doGenerate',
      start: {
        'ai.operationId': 'ai.generateText.doGenerate',
        'ai.telemetry.metadata.sessionId': 'c-1',
      },
    },
    tool: ({ id, name, input }) => ({
      name: 'ai.toolCall',
      start: {
        'ai.operationId': 'ai.toolCall',
        'ai.toolCall.id': id,
        'ai.toolCall.name': name,
        'ai.toolCall.args': JSON.stringify(input),
      },
    }),
  },
  /** Its spans say only afterwards what they are, and are named after the tools. */
  openinference: {
    scope: '@arizeai/openinference-instrumentation-langchain',
    agent: { name: 'LangGraph', later: { 'openinference.span.kind': 'CHAIN' } },
    call: { name: 'ChatModel', later: { 'openinference.span.kind': 'LLM' } },
    tool: ({ name, input }) => ({
      name,
      later: { 'openinference.span.kind': 'TOOL', 'input.value': JSON.stringify(input) },
    }),
  },
  /** Every span begins a trace of its own. */
  genkit: {
    scope: 'genkit-tracer',
    agent: {
      name: 'flow',
      start: { 'genkit:type': 'action', 'genkit:metadata:subtype': 'flow' },
      options: { root: true },
    },
    call: {
      name: 'local/model',
      start: { 'genkit:type': 'action', 'genkit:metadata:subtype': 'model' },
      options: { root: true },
    },
    tool: ({ name }) => ({
      name,
      start: { 'genkit:type': 'action', 'genkit:metadata:subtype': 'tool' },
      options: { root: true },
    }),
  },
  /** Two libraries tell of each call. */
  'gen-ai': {
    scope: 'strands-agents',
    agent: {
      name: 'invoke_agent Writer',
      start: { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'Writer' },
    },
    call: { name: 'chat', start: { 'gen_ai.operation.name': 'chat' } },
    tool: ({ id, name }) => ({
      name: `execute_tool ${name}`,
      start: {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': name,
        'gen_ai.tool.call.id': id,
      },
    }),
  },
}

async function inSpan<T>(
  scope: string,
  span: Named | undefined,
  work: (span?: Span) => Promise<T> | T,
): Promise<T> {
  if (span === undefined) return work()
  const { name, start = {}, later = {}, options = {} } = span
  const tracer = provider.getTracer(scope)
  return tracer.startActiveSpan(name, { ...options, attributes: start }, async (open) => {
    try {
      open.setAttributes(later)
      return await work(open)
    } finally {
      open.end()
    }
  })
}

async function ask(messages: readonly object[]): Promise<readonly ToolUse[]> {
  const answer = await fetch(`${API}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', max_tokens: 9, messages }),
  })
  return (await answer.json()).content
}

async function converse(text: string, kind: string): Promise<void> {
  const library = libraries[kind]
  if (library === undefined) throw new Error(kind)
  const { scope, agent, call, tool } = library
  const messages: object[] = [{ role: 'user', content: text }]
  await inSpan(scope, agent, async () => {
    for (;;) {
      const content = await inSpan(scope, call, () => ask(messages))
      const uses = content.filter(({ type }) => type === 'tool_use')
      if (uses.length === 0) return
      messages.push({ role: 'assistant', content })
      const results = uses.map(async (use) => {
        await inSpan(scope, tool(use), async () => {
          await new Promise(setImmediate)
          // No argument names this file.
          writeFileSync(`by-${use.id}.txt`, 'text')
        })
        return { type: 'tool_result', tool_use_id: use.id, content: 'done' }
      })
      messages.push({ role: 'user', content: await Promise.all(results) })
    }
  })
}

/** A tool that no model has asked for. */
async function runTool(): Promise<void> {
  await ask([{ role: 'user', content: 'no tools' }])
  await inSpan(
    'app',
    { name: 'execute_tool own', start: { 'gen_ai.operation.name': 'execute_tool' } },
    () => writeFileSync('own.txt', 'text'),
  )
}

const server = http.createServer(async (request, response) => {
  let body = ''
  for await (const piece of request) body += piece
  const { message, client } = JSON.parse(body)
  if (client === 'own tool') await runTool()
  else await converse(message, client)
  response.end('done')
})
process.on('SIGTERM', () => process.exit(0))
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`))
