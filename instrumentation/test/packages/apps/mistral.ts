import type { App, Loaded } from '../app.ts'
import { scenario } from '../scenario.ts'

export const app: App = async ({ api, isStreamed, prompt, load, writeFile }) => {
  const { Mistral } = await load('@mistralai/mistralai')
  const client = new Mistral({ apiKey: 'k', serverURL: `${api}/mistral` })
  const messages: object[] = [
    { role: 'system', content: scenario.instructions },
    { role: 'user', content: prompt },
  ]
  const tools = [{ type: 'function', function: scenario.tool }]
  for (;;) {
    const request = { model: scenario.model, messages, tools }
    const message = isStreamed
      ? await joined(await client.chat.stream(request))
      : (await client.chat.complete(request)).choices[0].message
    messages.push(message)
    if (!message.toolCalls?.length) return message.content
    for (const { id, function: call } of message.toolCalls) {
      const input = typeof call.arguments === 'string' ? JSON.parse(call.arguments) : call.arguments
      messages.push({
        role: 'tool',
        name: call.name,
        toolCallId: id,
        content: await writeFile(input),
      })
    }
  }
}

async function joined(events: AsyncIterable<Loaded>): Promise<Loaded> {
  const message = { role: 'assistant', content: '', toolCalls: [] as Loaded[] }
  for await (const { data } of events) {
    const { content, toolCalls } = data.choices[0]?.delta ?? {}
    message.content += content ?? ''
    for (const { index = 0, id, function: piece } of toolCalls ?? []) {
      message.toolCalls[index] ??= { id, function: { name: piece.name, arguments: '' } }
      message.toolCalls[index].function.arguments += piece.arguments
    }
  }
  return message
}
