import type { App } from '../app.ts'
import { scenario } from '../scenario.ts'

/** Its agent makes spans when OpenTelemetry's API is there. */
export const app: App = async ({ api, prompt, retries, load, writeFile }) => {
  const { Agent, tool } = await load('@strands-agents/sdk')
  const { OpenAIModel } = await load('@strands-agents/sdk/models/openai')
  const { z } = await load('zod')
  const { name, description } = scenario.tool
  const agent = new Agent({
    name: 'Writer',
    systemPrompt: scenario.instructions,
    printer: false,
    model: new OpenAIModel({
      api: 'chat',
      modelId: scenario.model,
      apiKey: 'k',
      clientConfig: { baseURL: `${api}/v1`, maxRetries: retries },
    }),
    tools: [
      tool({
        name,
        description,
        inputSchema: z.object({ path: z.string(), text: z.string() }),
        callback: writeFile,
      }),
    ],
  })
  const { lastMessage } = await agent.invoke(prompt)
  return lastMessage.content.map(({ text = '' }: { readonly text?: string }) => text).join('')
}
