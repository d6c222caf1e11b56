import type { App } from '../app.ts'
import { runChat } from './chat-loop.ts'

/** With the spans of OpenLLMetry's instrumentation, and no SDK of OpenTelemetry in the app. */
export const app: App = async (surroundings) => {
  const { OpenAI } = await surroundings.load('openai')
  const { OpenAIInstrumentation } = await surroundings.load('@traceloop/instrumentation-openai')
  new OpenAIInstrumentation().manuallyInstrument(OpenAI)
  const client = new OpenAI({
    apiKey: 'k',
    baseURL: `${surroundings.api}/v1`,
    maxRetries: surroundings.retries,
  })
  return runChat(surroundings, (request) =>
    client.chat.completions.create(request, { signal: surroundings.signal }),
  )
}
