import type { App } from '../app.ts'
import { scenario } from '../scenario.ts'

/** Its agent always asks for a stream. */
export const app: App = async ({ http2Api, prompt, load, writeFile }) => {
  const { Agent, BedrockModel, tool } = await load('@strands-agents/sdk')
  const { z } = await load('zod')
  const { name, description } = scenario.tool
  const agent = new Agent({
    systemPrompt: scenario.instructions,
    printer: false,
    model: new BedrockModel({
      modelId: scenario.model,
      region: 'us-east-1',
      clientConfig: {
        endpoint: http2Api,
        credentials: { accessKeyId: 'a', secretAccessKey: 's' },
      },
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
