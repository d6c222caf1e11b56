/** What the apps with Mastra share. */
import type { Loaded, Surroundings } from '../app.ts'
import { scenario } from '../scenario.ts'

export async function makeWriter({ api, load, writeFile }: Surroundings): Promise<Loaded> {
  const { Agent } = await load('@mastra/core/agent')
  const { createTool } = await load('@mastra/core/tools')
  const { z } = await load('zod')
  const { name, description } = scenario.tool
  return new Agent({
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
}

export async function ask(
  writer: Loaded,
  { isStreamed, prompt, retries, signal }: Surroundings,
): Promise<string> {
  const options = { abortSignal: signal, modelSettings: { maxRetries: retries } }
  if (!isStreamed) return (await writer.generate(prompt, options)).text
  let text = ''
  for await (const piece of (await writer.stream(prompt, options)).textStream) text += piece
  return text
}
