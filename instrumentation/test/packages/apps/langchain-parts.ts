import type { App, Loaded, Surroundings } from '../app.ts'
import { scenario } from '../scenario.ts'

/** Makes a model of LangChain. */
export type ModelOf = (surroundings: Surroundings) => Promise<Loaded>

export const openAiModel: ModelOf = async ({ api, isStreamed, retries, load }) => {
  const { ChatOpenAI } = await load('@langchain/openai')
  return new ChatOpenAI({
    model: scenario.model,
    apiKey: 'k',
    streaming: isStreamed,
    maxRetries: retries,
    configuration: { baseURL: `${api}/v1` },
  })
}

export async function toolOf({ load, writeFile }: Surroundings): Promise<Loaded> {
  const { tool } = await load('@langchain/core/tools')
  const { name, description, parameters } = scenario.tool
  return tool(writeFile, { name, description, schema: parameters })
}

/** One turn of LangChain's agent with the model that a provider's package makes. */
export function agentWith(modelOf: ModelOf): App {
  return async (surroundings) => {
    const { isStreamed, prompt, signal, load } = surroundings
    const { createAgent } = await load('langchain')
    const agent = createAgent({
      model: await modelOf(surroundings),
      tools: [await toolOf(surroundings)],
      systemPrompt: scenario.instructions,
    })
    const input = { messages: [{ role: 'user', content: prompt }] }
    return isStreamed
      ? textOf(await agent.stream(input, { streamMode: 'messages', signal }))
      : (await agent.invoke(input, { signal })).messages.at(-1).text
  }
}

/** The model's text in a stream of messages. */
export async function textOf(pieces: AsyncIterable<Loaded>): Promise<string> {
  let text = ''
  for await (const [message] of pieces) if (message.type === 'ai') text += message.text
  return text
}
