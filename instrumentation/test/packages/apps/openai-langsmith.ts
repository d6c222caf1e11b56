import type { App } from '../app.ts'
import { scenario } from '../scenario.ts'
import { runChat } from './chat-loop.ts'
import { printSpans } from './print-spans.ts'

/** LangSmith sends its runs as spans of OpenTelemetry, through an SDK that it registers. */
export const app: App = async (surroundings) => {
  process.env.LANGSMITH_TRACING = 'true'
  process.env.LANGSMITH_OTEL_ENABLED = 'true'
  process.env.LANGSMITH_API_KEY = 'k'
  process.env.LANGSMITH_ENDPOINT = surroundings.api
  const { initializeOTEL } = await surroundings.load('langsmith/experimental/otel/setup')
  const { traceable } = await surroundings.load('langsmith/traceable')
  const { wrapOpenAI } = await surroundings.load('langsmith/wrappers')
  const { Client } = await surroundings.load('langsmith')
  const { OpenAI } = await surroundings.load('openai')
  const { DEFAULT_LANGSMITH_TRACER_PROVIDER: provider } = initializeOTEL()
  if (process.env.PRINT_SPANS === '1')
    provider._activeSpanProcessor._spanProcessors.push(printSpans)
  const client = new Client({ apiKey: 'k', apiUrl: surroundings.api })
  const openai = wrapOpenAI(
    new OpenAI({
      apiKey: 'k',
      baseURL: `${surroundings.api}/v1`,
      maxRetries: surroundings.retries,
    }),
    { client },
  )
  const tool = { name: scenario.tool.name, run_type: 'tool', client }
  const writeFile = traceable(surroundings.writeFile, tool)
  const agent = traceable(
    () =>
      runChat({ ...surroundings, writeFile }, (request) =>
        openai.chat.completions.create(request, { signal: surroundings.signal }),
      ),
    { name: 'writer', run_type: 'chain', client },
  )
  const answer = await agent()
  await client.awaitPendingTraceBatches()
  await provider.forceFlush()
  return answer
}
