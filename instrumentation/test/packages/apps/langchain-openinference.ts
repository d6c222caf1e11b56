import type { App } from '../app.ts'
import { agentWith, openAiModel } from './langchain-parts.ts'

const agent = agentWith(openAiModel)

/** With the spans of OpenInference, and no SDK of OpenTelemetry in the app. */
export const app: App = async (surroundings) => {
  const { LangChainInstrumentation } = await surroundings.load(
    '@arizeai/openinference-instrumentation-langchain',
  )
  const callbacks = await surroundings.load('@langchain/core/callbacks/manager')
  new LangChainInstrumentation().manuallyInstrument(callbacks)
  return agent(surroundings)
}
