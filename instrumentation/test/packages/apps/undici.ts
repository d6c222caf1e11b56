import type { App } from '../app.ts'
import { eventsOf, runChat } from './chat-loop.ts'

export const app: App = async (surroundings) => {
  const { request: send } = await surroundings.load('undici')
  return runChat(surroundings, async (request) => {
    const { body } = await send(`${surroundings.api}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    })
    return request.stream === undefined ? body.json() : eventsOf(body)
  })
}
