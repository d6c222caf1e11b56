import type { App } from '../app.ts'
import { scenario } from '../scenario.ts'

/** Its agent always asks for a stream. */
export const app: App = async ({ api, prompt, load, writeFile }) => {
  const { tool } = await load('llamaindex')
  const { agent } = await load('@llamaindex/workflow')
  const { openai } = await load('@llamaindex/openai')
  const { z } = await load('zod')
  const { name, description } = scenario.tool
  const writer = agent({
    systemPrompt: scenario.instructions,
    llm: openai({ model: scenario.model, apiKey: 'k', baseURL: `${api}/v1`, maxRetries: 0 }),
    tools: [
      tool({
        name,
        description,
        parameters: z.object({ path: z.string(), text: z.string() }),
        execute: writeFile,
      }),
    ],
  })
  return (await writer.run(prompt)).data.message.content
}
