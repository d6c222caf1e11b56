import type { App } from '../app.ts'
import { scenario } from '../scenario.ts'

/** With Mastra's observability and its bridge, which makes spans of OpenTelemetry. */
export const app: App = async ({ api, isStreamed, prompt, load, writeFile }) => {
  const { Mastra } = await load('@mastra/core')
  const { Agent } = await load('@mastra/core/agent')
  const { createTool } = await load('@mastra/core/tools')
  const { Observability } = await load('@mastra/observability')
  const { OtelBridge } = await load('@mastra/otel-bridge')
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
  const mastra = new Mastra({
    agents: { writer: agent },
    logger: false,
    observability: new Observability({
      configs: { default: { serviceName: 'writer', bridge: new OtelBridge() } },
    }),
  })
  const writer = mastra.getAgent('writer')
  if (!isStreamed) return (await writer.generate(prompt)).text
  let text = ''
  for await (const piece of (await writer.stream(prompt)).textStream) text += piece
  return text
}
