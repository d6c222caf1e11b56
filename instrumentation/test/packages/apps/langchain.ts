import type { App } from '../app.ts'
import { scenario } from '../scenario.ts'
import { langchainParts } from './langchain-parts.ts'

export const app: App = async (surroundings) => {
  const { isStreamed, prompt, load } = surroundings
  const { createAgent } = await load('langchain')
  const agent = createAgent({
    ...(await langchainParts(surroundings)),
    systemPrompt: scenario.instructions,
  })
  const input = { messages: [{ role: 'user', content: prompt }] }
  if (!isStreamed) return (await agent.invoke(input)).messages.at(-1).text
  let text = ''
  for await (const [message] of await agent.stream(input, { streamMode: 'messages' })) {
    if (message.type === 'ai') text += message.text
  }
  return text
}
