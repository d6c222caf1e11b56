import type { App } from '../app.ts'
import { eventsOf, runChat } from './chat-loop.ts'

export const app: App = (surroundings) =>
  runChat(surroundings, async (request) => {
    const response = await fetch(`${surroundings.api}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer k' },
      body: JSON.stringify(request),
    })
    if (request.stream === undefined || response.body === null) return response.json()
    return eventsOf(response.body)
  })
