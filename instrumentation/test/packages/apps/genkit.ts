import type { App } from '../app.ts'
import { scenario } from '../scenario.ts'
import { printSpans } from './print-spans.ts'

export const app: App = async ({ api, isStreamed, prompt, load, writeFile }) => {
  const { genkit, z } = await load('genkit')
  const { openAICompatible } = await load('@genkit-ai/compat-oai')
  if (process.env.PRINT_SPANS === '1') {
    const { enableTelemetry } = await load('genkit/tracing')
    await enableTelemetry({ spanProcessors: [printSpans] })
  }
  const plugin = openAICompatible({ name: 'local', apiKey: 'k', baseURL: `${api}/v1` })
  const ai = genkit({ plugins: [plugin] })
  const { name, description } = scenario.tool
  const inputSchema = z.object({ path: z.string(), text: z.string() })
  const tool = ai.defineTool(
    { name, description, inputSchema, outputSchema: z.string() },
    writeFile,
  )
  const request = {
    model: `local/${scenario.model}`,
    system: scenario.instructions,
    prompt,
    tools: [tool],
  }
  if (!isStreamed) return (await ai.generate(request)).text
  const { response, stream } = ai.generateStream(request)
  for await (const _ of stream);
  return (await response).text
}
