import type { App } from '../app.ts'
import { ask, makeWriter } from './mastra-parts.ts'

/** With Mastra's observability and its bridge, which makes spans of OpenTelemetry. */
export const app: App = async (surroundings) => {
  const { Mastra } = await surroundings.load('@mastra/core')
  const { Observability } = await surroundings.load('@mastra/observability')
  const { OtelBridge } = await surroundings.load('@mastra/otel-bridge')
  const mastra = new Mastra({
    agents: { writer: await makeWriter(surroundings) },
    logger: false,
    observability: new Observability({
      configs: { default: { serviceName: 'writer', bridge: new OtelBridge() } },
    }),
  })
  return ask(mastra.getAgent('writer'), surroundings)
}
