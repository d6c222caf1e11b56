import type { App } from '../app.ts'
import { runChat } from './chat-loop.ts'
import { printSpans } from './print-spans.ts'

/** A workflow with a tool of OpenLLMetry, whose SDK registers itself with OpenTelemetry's API. */
export const app: App = async (surroundings) => {
  const { OpenAI } = await surroundings.load('openai')
  const traceloop = await surroundings.load('@traceloop/node-server-sdk')
  const { initialize, withTool, withWorkflow } = traceloop.initialize
    ? traceloop
    : traceloop.default
  initialize({
    disableBatch: true,
    silenceInitializationMessage: true,
    baseUrl: surroundings.api,
    apiKey: 'k',
    instrumentModules: { openAI: OpenAI },
    ...(process.env.PRINT_SPANS === '1' ? { processor: printSpans } : {}),
  })
  const client = new OpenAI({
    apiKey: 'k',
    baseURL: `${surroundings.api}/v1`,
    maxRetries: surroundings.retries,
  })
  return withWorkflow({ name: 'writer' }, () =>
    runChat(
      {
        ...surroundings,
        writeFile: (input) => withTool({ name: 'write_file' }, surroundings.writeFile, input),
      },
      (request) => client.chat.completions.create(request, { signal: surroundings.signal }),
    ),
  )
}
