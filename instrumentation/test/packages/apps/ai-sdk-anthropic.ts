import { scenario } from '../scenario.ts'
import { appWith } from './ai-sdk.ts'

export const app = appWith(async ({ load, api }) => {
  const { createAnthropic } = await load('@ai-sdk/anthropic')
  return createAnthropic({ apiKey: 'k', baseURL: `${api}/v1` })(scenario.model)
})
