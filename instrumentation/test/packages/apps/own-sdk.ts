import type { Surroundings } from '../app.ts'

/**
 * Registers an SDK of OpenTelemetry, as an app does that sends its spans somewhere. The names of the spans that it gets are
 * printed, so that they can be compared with those of the app without the preload.
 */
export async function registerSdk({ load }: Surroundings) {
  const { NodeTracerProvider } = await load('@opentelemetry/sdk-trace-node')
  const provider = new NodeTracerProvider({
    spanProcessors: [
      {
        onStart: () => undefined,
        onEnd: ({ name }: { readonly name: string }) => console.log(`span ${name}`),
        forceFlush: async () => undefined,
        shutdown: async () => undefined,
      },
    ],
  })
  provider.register()
}
