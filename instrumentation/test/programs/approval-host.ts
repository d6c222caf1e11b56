/**
 * A chat app that asks before it runs a tool: the answer of `POST /chat` names the tool calls, and `POST /decide` brings
 * the person's word for them, in the form that the test sends. Hand-written, over the Messages API. `CLIENT`: `sdk`, which
 * traces itself, or `fetch`.
 */
import { exec } from 'node:child_process'
import * as fs from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import Anthropic from '@anthropic-ai/sdk'
import { toolCall } from '@turnlog/instrumentation'
import { WebSocketServer } from 'ws'

const { CLIENT = 'sdk', API = '' } = process.env
const client = new Anthropic({ apiKey: 'k', baseURL: API, maxRetries: 0 })

type Message = Anthropic.MessageParam
type ToolUse = Anthropic.ToolUseBlock

interface ChatRequest {
  readonly message?: string
  readonly conversation_id: string
  readonly approve?: boolean
  readonly tool_call_id?: string
  /** The conversation that the app goes on with, if not the request's. */
  readonly of?: string
  /** How the tools run: reported with `toolCall()`, by name or by id, or at once without a model call. */
  readonly how?: 'by name' | 'by id' | 'only run'
  /** The text that the model is sent in place of a result. */
  readonly refusal?: string
  readonly title?: boolean
}

const conversations = new Map<string, Message[]>()
const ran: Anthropic.ToolResultBlockParam[] = []

async function ask(messages: Message[], more: object = {}): Promise<Anthropic.Message> {
  const request = { model: 'claude-test', max_tokens: 100, messages, ...more }
  if (CLIENT === 'sdk') return client.messages.create(request)
  const response = await fetch(`${API}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  })
  return (await response.json()) as Anthropic.Message
}

async function continueChat(messages: Message[], more?: object) {
  const { content } = await ask(messages, more)
  messages.push({ role: 'assistant', content })
  const pending = content.filter((block) => block.type === 'tool_use')
  const answer = content.map((block) => ('text' in block ? block.text : '')).join('')
  return { answer, pending }
}

function pendingOf(messages: readonly Message[]): ToolUse[] {
  const content = messages.at(-1)?.content
  if (!Array.isArray(content)) return []
  return content.filter((block) => block.type === 'tool_use') as ToolUse[]
}

async function run({ name, input }: Pick<ToolUse, 'name' | 'input'>): Promise<string> {
  const { path = `${name}.txt`, ms = 0, command } = input as Partial<Record<string, string>>
  await sleep(Number(ms))
  if (command !== undefined) return (await promisify(exec)(command)).stdout
  await fs.promises.writeFile(path, `${name}\n`)
  return 'written'
}

function runAs(how: ChatRequest['how'], use: ToolUse): Promise<string> {
  const { id, name, input } = use
  if (how === 'by id') return toolCall({ name, id, arguments: input }, () => run(use))
  if (how === 'by name') return toolCall({ name, arguments: input }, () => run(use))
  return run(use)
}

async function results(
  uses: readonly ToolUse[],
  { approve, how, refusal }: ChatRequest,
): Promise<Anthropic.ToolResultBlockParam[]> {
  return Promise.all(
    uses.map(async (use) => ({
      type: 'tool_result' as const,
      tool_use_id: use.id,
      ...(approve === false || refusal !== undefined
        ? { is_error: true, content: refusal ?? 'Not run.' }
        : { content: await runAs(how, use) }),
    })),
  )
}

const routes: Record<string, (request: ChatRequest) => Promise<object>> = {
  async '/chat'({ message = '', conversation_id, of = conversation_id, title }) {
    const messages = conversations.get(of) ?? []
    conversations.set(of, messages)
    const open = pendingOf(messages)
    const cancelled = open.map(({ id }) => ({
      type: 'tool_result' as const,
      tool_use_id: id,
      content: 'Cancelled.',
      is_error: true,
    }))
    messages.push({ role: 'user', content: [...cancelled, { type: 'text', text: message }] })
    const more = title === true ? { tool_choice: { type: 'tool', name: 'title' } } : undefined
    return continueChat(messages, more)
  },
  async '/decide'(request) {
    const messages = conversations.get(request.of ?? request.conversation_id) ?? []
    const named = pendingOf(messages).filter(({ id }) => (request.tool_call_id ?? id) === id)
    const done = await results(named, request)
    if (request.how === 'only run') return { done: ran.push(...done) }
    messages.push({ role: 'user', content: done })
    return continueChat(messages)
  },
  /** Carries on after `only run`. */
  async '/next'({ conversation_id }) {
    const messages = conversations.get(conversation_id) ?? []
    messages.push({ role: 'user', content: ran.splice(0) })
    return continueChat(messages)
  },
}

const server = http.createServer(async (request, response) => {
  let body = ''
  for await (const piece of request) body += piece
  const answer = await routes[request.url ?? '']?.(JSON.parse(body))
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(answer))
})
new WebSocketServer({ server }).on('connection', (socket) => {
  socket.on('message', async (data) => {
    const { route, ...request } = JSON.parse(String(data))
    socket.send(JSON.stringify(await routes[route]?.(request)))
  })
})
process.on('SIGTERM', () => process.exit(0))
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`))
