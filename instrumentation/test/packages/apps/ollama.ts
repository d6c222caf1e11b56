import type { App, Loaded } from '../app.ts'
import { scenario } from '../scenario.ts'

export const app: App = async ({ api, isStreamed, prompt, load, writeFile }) => {
  const { Ollama } = await load('ollama')
  const client = new Ollama({ host: api })
  const messages: object[] = [
    { role: 'system', content: scenario.instructions },
    { role: 'user', content: prompt },
  ]
  const tools = [{ type: 'function', function: scenario.tool }]
  for (;;) {
    const request = { model: scenario.model, messages, tools }
    const message = isStreamed
      ? await joined(await client.chat({ ...request, stream: true }))
      : (await client.chat(request)).message
    messages.push(message)
    if (!message.tool_calls?.length) return message.content
    for (const { function: call } of message.tool_calls) {
      messages.push({
        role: 'tool',
        tool_name: call.name,
        content: await writeFile(call.arguments),
      })
    }
  }
}

async function joined(chunks: AsyncIterable<Loaded>): Promise<Loaded> {
  const message = { role: 'assistant', content: '', tool_calls: [] as Loaded[] }
  for await (const { message: piece } of chunks) {
    message.content += piece.content
    message.tool_calls.push(...(piece.tool_calls ?? []))
  }
  return message
}
