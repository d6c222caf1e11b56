import { scenario } from '../scenario.ts'
import { agentWith } from './langchain-parts.ts'

export const app = agentWith(async ({ api, isStreamed, retries, load }) => {
  const { ChatGoogleGenerativeAI } = await load('@langchain/google-genai')
  return new ChatGoogleGenerativeAI({
    model: scenario.model,
    apiKey: 'k',
    baseUrl: api,
    streaming: isStreamed,
    maxRetries: retries,
  })
})
