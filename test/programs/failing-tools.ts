/**
 * An agent whose tool fails as the model asks it to, built in one of several ways (`CLIENT`): with the AI SDK (`ai`), with spans around
 * it as version 6 makes them (`spans`), as a loop of its own (`loop`), or as a loop that reports its calls (`api`). A request to
 * `/stop` stops the model.
 */
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAnthropic } from '@ai-sdk/anthropic'
import Anthropic from '@anthropic-ai/sdk'
import { SpanStatusCode, trace } from '@opentelemetry/api'
import { toolCall } from '@turnlog/instrumentation'
import { generateText, stepCountIs, tool } from 'ai'
import { z } from 'zod'

const { API = '', CLIENT = '' } = process.env
const anthropic = createAnthropic({ apiKey: 'k', baseURL: `${API}/v1` })
const client = new Anthropic({ apiKey: 'k', baseURL: API, maxRetries: 2 })
const stop = new AbortController()

class DiskFull extends Error {
  override readonly name = 'DiskFull'
}

async function write({ how }: { readonly how: string }): Promise<string> {
  if (how === 'an error') throw new DiskFull('The disk is full.')
  if (how === 'a text') throw 'The disk is full.'
  return 'written'
}

/** As version 6 of the AI SDK records a tool. */
function inSpan(id: string, run: () => Promise<string>): Promise<string> {
  const attributes = {
    'ai.operationId': 'ai.toolCall',
    'ai.toolCall.id': id,
    'ai.toolCall.name': 'write',
  }
  return trace.getTracer('ai').startActiveSpan('ai.toolCall', { attributes }, async (span) => {
    try {
      return await run()
    } catch (error) {
      if (error instanceof Error) {
        span.recordException(error)
        span.setStatus({ code: SpanStatusCode.ERROR, message: error.message })
      } else span.setStatus({ code: SpanStatusCode.ERROR })
      throw error
    } finally {
      span.end()
    }
  })
}

const loops: Readonly<Record<string, (id: string, input: { how: string }) => Promise<string>>> = {
  loop: (_, input) => write(input),
  spans: (id, input) => inSpan(id, () => write(input)),
  api: (id, input) => toolCall({ name: 'write', id, arguments: input }, () => write(input)),
}

async function answerWithAiSdk(prompt: string): Promise<string> {
  const result = await generateText({
    model: anthropic('claude-test'),
    prompt,
    maxRetries: 2,
    abortSignal: stop.signal,
    stopWhen: stepCountIs(3),
    tools: { write: tool({ inputSchema: z.object({ how: z.string() }), execute: write }) },
  })
  return result.text
}

async function answerInLoop(content: string): Promise<string> {
  const messages: Anthropic.MessageParam[] = [{ role: 'user', content }]
  const tools = [{ name: 'write', input_schema: { type: 'object' as const } }]
  for (;;) {
    const request = { model: 'claude-test', max_tokens: 9, messages, tools }
    const { content } = await client.messages.create(request, { signal: stop.signal })
    messages.push({ role: 'assistant', content })
    const uses = content.filter((block) => block.type === 'tool_use')
    if (uses.length === 0) return content.map((block) => ('text' in block ? block.text : '')).join()
    for (const { id, input } of uses) {
      const run = async () => loops[CLIENT]?.(id, input as { how: string })
      const result = await run().then(
        (text = '') => ({ content: text, is_error: false }),
        (error: unknown) => ({
          content: error instanceof Error ? error.message : String(error),
          is_error: true,
        }),
      )
      messages.push({
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: id, ...result }],
      })
    }
  }
}

const server = http.createServer(async (request, response) => {
  if (request.url === '/stop') {
    stop.abort()
    response.end()
    return
  }
  let body = ''
  for await (const piece of request) body += piece
  const { message } = JSON.parse(body)
  try {
    response.end(await (CLIENT === 'ai' ? answerWithAiSdk : answerInLoop)(message))
  } catch (error) {
    response.statusCode = stop.signal.aborted ? 200 : 500
    response.end(String(error))
  }
})
process.on('SIGTERM', () => process.exit(0))
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`))
