/**
 * A chat app that sends the model's answer on as it comes, and reads it to its end also if its user has left: with the AI SDK (`ai`), or
 * by itself (`plain`), as `CLIENT` says. Its library has a span that names the conversation. Knows nothing of telemetry.
 */
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAnthropic } from '@ai-sdk/anthropic'
import { trace } from '@opentelemetry/api'
import { streamText } from 'ai'

const { API = '', CLIENT = 'ai' } = process.env
const anthropic = createAnthropic({ apiKey: 'k', baseURL: `${API}/v1` })

async function answerWithAiSdk(prompt: string, response: http.ServerResponse): Promise<void> {
  const result = streamText({ model: anthropic('claude-test'), prompt, maxRetries: 0 })
  void result.pipeTextStreamToResponse(response)
  await result.consumeStream()
}

async function answerByItself(prompt: string, response: http.ServerResponse): Promise<void> {
  const answer = await fetch(`${API}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'claude-test',
      max_tokens: 9,
      stream: true,
      messages: [{ role: 'user', content: prompt }],
    }),
  })
  let text = ''
  for await (const piece of answer.body ?? []) {
    text += Buffer.from(piece).toString()
    const events = text.split('\n\n')
    text = events.pop() ?? ''
    for (const event of events) {
      const [, found] = /"text":"([^"]+)"/.exec(event) ?? []
      if (found !== undefined) response.write(found)
    }
  }
  response.end()
}

const server = http.createServer(async (request, response) => {
  let body = ''
  for await (const piece of request) body += piece
  const { message } = JSON.parse(body)
  const attributes = {
    'ai.operationId': 'ai.streamText',
    'ai.telemetry.metadata.sessionId': 'conversation-1',
  }
  response.on('close', () => console.log('left now'))
  await trace.getTracer('ai').startActiveSpan('ai.streamText', { attributes }, async (span) => {
    await (CLIENT === 'ai' ? answerWithAiSdk : answerByItself)(message, response)
    span.end()
  })
  console.log('done now')
})
process.on('SIGTERM', () => process.exit(0))
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`))
