import type { App } from '../app.ts'
import { agentWith, openAiModel } from './langchain-parts.ts'

const agent = agentWith(openAiModel)

/** LangSmith sends its runs as spans of OpenTelemetry, through an SDK that it registers. */
export const app: App = async (surroundings) => {
  process.env.LANGSMITH_TRACING = 'true'
  process.env.LANGSMITH_OTEL_ENABLED = 'true'
  process.env.LANGSMITH_API_KEY = 'k'
  process.env.LANGSMITH_ENDPOINT = surroundings.api
  const { initializeOTEL } = await surroundings.load('langsmith/experimental/otel/setup')
  const { DEFAULT_LANGSMITH_SPAN_PROCESSOR } = initializeOTEL()
  const answer = await agent(surroundings)
  await DEFAULT_LANGSMITH_SPAN_PROCESSOR.forceFlush()
  return answer
}
