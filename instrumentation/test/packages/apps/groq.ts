import { type App, defaultOf } from '../app.ts'
import { runChat } from './chat-loop.ts'

export const app: App = async (surroundings) => {
  const Groq = defaultOf(await surroundings.load('groq-sdk'))
  const client = new Groq({
    apiKey: 'k',
    baseURL: surroundings.api,
    maxRetries: surroundings.retries,
  })
  return runChat(surroundings, (request) =>
    client.chat.completions.create(request, { signal: surroundings.signal }),
  )
}
