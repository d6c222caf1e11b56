import { type App, defaultOf } from '../app.ts'
import { eventsOf, runChat } from './chat-loop.ts'

export const app: App = async (surroundings) => {
  const axios = defaultOf(await surroundings.load('axios'))
  return runChat(surroundings, async (request) => {
    const responseType = request.stream === undefined ? 'json' : 'stream'
    const { data } = await axios.post(`${surroundings.api}/v1/chat/completions`, request, {
      responseType,
    })
    return request.stream === undefined ? data : eventsOf(data)
  })
}
