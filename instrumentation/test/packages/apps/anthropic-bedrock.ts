import type { App } from '../app.ts'
import { runMessages } from './anthropic-loop.ts'

export const app: App = async (surroundings) => {
  const { AnthropicBedrock } = await surroundings.load('@anthropic-ai/bedrock-sdk')
  const client = new AnthropicBedrock({
    baseURL: surroundings.api,
    awsRegion: 'us-east-1',
    awsAccessKey: 'a',
    awsSecretKey: 's',
    maxRetries: surroundings.retries,
  })
  return runMessages(surroundings, client)
}
