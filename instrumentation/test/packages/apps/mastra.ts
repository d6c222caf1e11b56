import type { App } from '../app.ts'
import { scenario } from '../scenario.ts'

export const app: App = async ({ api, isStreamed, prompt, load, writeFile }) => {
  const { Agent } = await load('@mastra/core/agent')
  const { createTool } = await load('@mastra/core/tools')
  const { z } = await load('zod')
  const { name, description } = scenario.tool
  const agent = new Agent({
    id: 'writer',
    name: 'Writer',
    instructions: scenario.instructions,
    model: { id: `local/${scenario.model}`, url: `${api}/v1`, apiKey: 'k' },
    tools: {
      [name]: createTool({
        id: name,
        description,
        inputSchema: z.object({ path: z.string(), text: z.string() }),
        execute: writeFile,
      }),
    },
  })
  if (!isStreamed) return (await agent.generate(prompt)).text
  let text = ''
  for await (const piece of (await agent.stream(prompt)).textStream) text += piece
  return text
}
