import { scenario } from '../scenario.ts'
import { appWith } from './ai-sdk.ts'

export const app = appWith(async ({ load, api }) => {
  const { createGoogleGenerativeAI } = await load('@ai-sdk/google')
  return createGoogleGenerativeAI({ apiKey: 'k', baseURL: `${api}/v1beta` })(scenario.model)
})
