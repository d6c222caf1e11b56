import { type App, defaultOf } from '../app.ts'
import { eventsOf, runChat } from './chat-loop.ts'

export const app: App = async (surroundings) => {
  const got = defaultOf(await surroundings.load('got'))
  return runChat(surroundings, async (request) => {
    const url = `${surroundings.api}/v1/chat/completions`
    return request.stream === undefined
      ? got.post(url, { json: request }).json()
      : eventsOf(got.stream.post(url, { json: request }))
  })
}
