import { scenario } from '../scenario.ts'
import { appWith } from './ai-sdk.ts'

export const app = appWith(async ({ load, api }) => {
  const { createOpenAI } = await load('@ai-sdk/openai')
  return createOpenAI({ apiKey: 'k', baseURL: `${api}/v1` })(scenario.model)
})
