import { type App, defaultOf } from '../app.ts'
import { runMessages } from './anthropic-loop.ts'

export const app: App = async (surroundings) => {
  const Anthropic = defaultOf(await surroundings.load('@anthropic-ai/sdk'))
  const client = new Anthropic({
    apiKey: 'k',
    baseURL: surroundings.api,
    maxRetries: surroundings.retries,
  })
  return runMessages(surroundings, client)
}
