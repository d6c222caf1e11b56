import { scenario } from '../scenario.ts'
import { appWith } from './ai-sdk.ts'

export const app = appWith(async ({ load, api }) => {
  const { createCohere } = await load('@ai-sdk/cohere')
  return createCohere({ apiKey: 'k', baseURL: `${api}/v2` })(scenario.model)
})
