import type { App } from '../app.ts'
import { scenario } from '../scenario.ts'

export const app: App = async ({ api, isStreamed, prompt, load, writeFile }) => {
  const { chat, maxIterations, toolDefinition } = await load('@tanstack/ai')
  const { createOpenaiChat } = await load('@tanstack/ai-openai')
  const { name, description, parameters } = scenario.tool
  const request = {
    adapter: createOpenaiChat(scenario.model, 'k', { baseURL: `${api}/v1` }),
    systemPrompts: [scenario.instructions],
    messages: [{ role: 'user', content: prompt }],
    tools: [toolDefinition({ name, description, inputSchema: parameters }).server(writeFile)],
    agentLoopStrategy: maxIterations(3),
  }
  if (!isStreamed) return chat({ ...request, stream: false })
  let text = ''
  for await (const { type, delta } of chat(request)) {
    if (type === 'TEXT_MESSAGE_CONTENT') text += delta
  }
  return text
}
