import { scenario } from '../scenario.ts'
import { appWith } from './ai-sdk.ts'

export const app = appWith(async ({ load, api }) => {
  const { createMistral } = await load('@ai-sdk/mistral')
  return createMistral({ apiKey: 'k', baseURL: `${api}/mistral/v1` })(scenario.model)
})
