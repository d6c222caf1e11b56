import type { Surroundings } from '../app.ts'
import { scenario } from '../scenario.ts'
import { appWith } from './ai-sdk.ts'

export async function openAiModel({ load, api }: Surroundings) {
  const { createOpenAI } = await load('@ai-sdk/openai')
  return createOpenAI({ apiKey: 'k', baseURL: `${api}/v1` })(scenario.model)
}

export const app = appWith(openAiModel)
