import type { App } from '../app.ts'
import { runMessages } from './anthropic-loop.ts'

export const app: App = async (surroundings) => {
  const { AnthropicVertex } = await surroundings.load('@anthropic-ai/vertex-sdk')
  const authClient = {
    getRequestHeaders: async () => new Headers({ authorization: 'Bearer k' }),
  }
  const client = new AnthropicVertex({
    baseURL: `${surroundings.api}/v1`,
    region: 'us-east5',
    projectId: 'p',
    authClient,
    maxRetries: surroundings.retries,
  })
  return runMessages(surroundings, client)
}
