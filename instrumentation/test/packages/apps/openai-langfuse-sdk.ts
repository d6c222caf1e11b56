import type { App } from '../app.ts'
import { app as agent } from './openai-langfuse.ts'

/** Langfuse's processor in an SDK that the app registers, as Langfuse's documentation has it. */
export const app: App = async (surroundings) => {
  const { NodeTracerProvider } = await surroundings.load('@opentelemetry/sdk-trace-node')
  const { LangfuseSpanProcessor } = await surroundings.load('@langfuse/otel')
  const processor = new LangfuseSpanProcessor({
    publicKey: 'p',
    secretKey: 's',
    baseUrl: surroundings.api,
    exportMode: 'immediate',
  })
  const provider = new NodeTracerProvider({ spanProcessors: [processor] })
  provider.register()
  const answer = await agent(surroundings)
  await processor.forceFlush()
  return answer
}
