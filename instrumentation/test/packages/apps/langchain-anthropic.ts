import { scenario } from '../scenario.ts'
import { agentWith } from './langchain-parts.ts'

export const app = agentWith(async ({ api, isStreamed, retries, load }) => {
  const { ChatAnthropic } = await load('@langchain/anthropic')
  return new ChatAnthropic({
    model: scenario.model,
    apiKey: 'k',
    anthropicApiUrl: api,
    maxTokens: 100,
    streaming: isStreamed,
    maxRetries: retries,
  })
})
