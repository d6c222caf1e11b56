/** The loop of an agent over OpenAI's chat format, for all clients that speak it; and the joining of a stream's chunks. */
import { type Loaded, resultOf, type Surroundings } from '../app.ts'
import { scenario } from '../scenario.ts'

interface Message {
  readonly role: string
  readonly content: string | null
  readonly tool_calls?: readonly {
    readonly id: string
    readonly type: string
    readonly function: { readonly name: string; readonly arguments: string }
  }[]
}

export interface ChatRequest {
  readonly model: string
  readonly messages: readonly object[]
  readonly tools: readonly object[]
  readonly stream?: true
  readonly stream_options?: { readonly include_usage: true }
}

/** `ask` gives the answer's JSON, or the chunks of its stream. */
export async function runChat(
  { prompt, isStreamed, writeFile }: Surroundings,
  ask: (request: ChatRequest) => Promise<Loaded>,
): Promise<string> {
  const messages: object[] = [
    { role: 'system', content: scenario.instructions },
    { role: 'user', content: prompt },
  ]
  const common = {
    model: scenario.model,
    messages,
    tools: [{ type: 'function', function: scenario.tool }],
  }
  for (;;) {
    const message: Message = isStreamed
      ? await joined(
          await ask({ ...common, stream: true, stream_options: { include_usage: true } }),
        )
      : (await ask(common)).choices[0].message
    messages.push(message)
    if (message.tool_calls === undefined) return message.content ?? ''
    for (const call of message.tool_calls) {
      const { text: content } = await resultOf(() => writeFile(JSON.parse(call.function.arguments)))
      messages.push({ role: 'tool', tool_call_id: call.id, content })
    }
  }
}

async function joined(chunks: AsyncIterable<Loaded>): Promise<Message> {
  let content = ''
  const calls: { id: string; type: string; function: { name: string; arguments: string } }[] = []
  for await (const { choices } of chunks) {
    const delta = choices[0]?.delta
    content += delta?.content ?? ''
    for (const { index, id, function: piece } of delta?.tool_calls ?? []) {
      const call = calls[index] ?? {
        id,
        type: 'function',
        function: { name: piece.name, arguments: '' },
      }
      call.function.arguments += piece.arguments ?? ''
      calls[index] = call
    }
  }
  return { role: 'assistant', content, ...(calls.length === 0 ? {} : { tool_calls: calls }) }
}

/** The values of server-sent events, for clients that give only bytes. */
export async function* eventsOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Loaded> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const piece of bytes) {
    text += decoder.decode(piece, { stream: true })
    const events = text.split('\n\n')
    text = events.pop() ?? ''
    for (const event of events) {
      const data = event.slice('data: '.length)
      if (data !== '[DONE]') yield JSON.parse(data)
    }
  }
}
