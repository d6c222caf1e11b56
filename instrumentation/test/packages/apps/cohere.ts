import type { App, Loaded } from '../app.ts'
import { scenario } from '../scenario.ts'

export const app: App = async ({ api, isStreamed, prompt, load, writeFile }) => {
  const { CohereClientV2 } = await load('cohere-ai')
  const client = new CohereClientV2({ token: 'k', environment: api, baseUrl: api, maxRetries: 0 })
  const messages: object[] = [
    { role: 'system', content: scenario.instructions },
    { role: 'user', content: prompt },
  ]
  const tools = [{ type: 'function', function: scenario.tool }]
  for (;;) {
    const request = { model: scenario.model, messages, tools }
    const message = isStreamed
      ? await joined(await client.chatStream(request))
      : (await client.chat(request)).message
    messages.push(message)
    if (!message.toolCalls?.length) return message.content[0].text
    for (const { id, function: call } of message.toolCalls) {
      const content = await writeFile(JSON.parse(call.arguments))
      messages.push({ role: 'tool', toolCallId: id, content })
    }
  }
}

async function joined(events: AsyncIterable<Loaded>): Promise<Loaded> {
  let text = ''
  const toolCalls: Loaded[] = []
  for await (const { type, delta } of events) {
    const { content, toolCalls: call } = delta?.message ?? {}
    if (type === 'content-delta') text += content.text
    if (type === 'tool-call-start') toolCalls.push(structuredClone(call))
    if (type === 'tool-call-delta') toolCalls[0].function.arguments += call.function.arguments
  }
  return toolCalls.length > 0
    ? { role: 'assistant', toolCalls }
    : { role: 'assistant', content: [{ type: 'text', text }] }
}
