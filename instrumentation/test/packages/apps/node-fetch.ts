import { type App, defaultOf } from '../app.ts'
import { eventsOf, runChat } from './chat-loop.ts'

export const app: App = async (surroundings) => {
  const fetch = defaultOf(await surroundings.load('node-fetch'))
  return runChat(surroundings, async (request) => {
    const response = await fetch(`${surroundings.api}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    })
    return request.stream === undefined ? response.json() : eventsOf(response.body)
  })
}
