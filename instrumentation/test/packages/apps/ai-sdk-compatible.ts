import { scenario } from '../scenario.ts'
import { appWith } from './ai-sdk.ts'

export const app = appWith(async ({ load, api }) => {
  const { createOpenAICompatible } = await load('@ai-sdk/openai-compatible')
  const provider = createOpenAICompatible({ name: 'local', apiKey: 'k', baseURL: `${api}/v1` })
  return provider(scenario.model)
})
