import type { Loaded, Surroundings } from '../app.ts'
import { scenario } from '../scenario.ts'

/** A model and a tool of LangChain. */
export async function langchainParts({
  api,
  isStreamed,
  load,
  writeFile,
}: Surroundings): Promise<{ readonly model: Loaded; readonly tools: readonly Loaded[] }> {
  const { ChatOpenAI } = await load('@langchain/openai')
  const { tool } = await load('@langchain/core/tools')
  const { name, description, parameters } = scenario.tool
  const model = new ChatOpenAI({
    model: scenario.model,
    apiKey: 'k',
    streaming: isStreamed,
    maxRetries: 0,
    configuration: { baseURL: `${api}/v1` },
  })
  return { model, tools: [tool(writeFile, { name, description, schema: parameters })] }
}
