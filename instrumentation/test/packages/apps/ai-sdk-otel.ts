import type { App } from '../app.ts'
import { appWith } from './ai-sdk.ts'
import { openAiModel } from './ai-sdk-openai.ts'

const agent = appWith(openAiModel)

/** Version 7, with the spans of `@ai-sdk/otel`. */
export const app: App = async (surroundings) => {
  const [{ registerTelemetry }, { OpenTelemetry }] = await Promise.all([
    surroundings.load('ai'),
    surroundings.load('@ai-sdk/otel'),
  ])
  registerTelemetry(new OpenTelemetry())
  return agent(surroundings)
}
