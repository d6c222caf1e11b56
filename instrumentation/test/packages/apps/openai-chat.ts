import type { App } from '../app.ts'
import { runChat } from './chat-loop.ts'

export const app: App = async (surroundings) => {
  const { OpenAI } = await surroundings.load('openai')
  const client = new OpenAI({
    apiKey: 'k',
    baseURL: `${surroundings.api}/v1`,
    maxRetries: surroundings.retries,
  })
  const { signal } = surroundings
  return runChat(surroundings, (request) => client.chat.completions.create(request, { signal }))
}
