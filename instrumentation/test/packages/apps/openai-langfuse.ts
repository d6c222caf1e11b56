import type { App } from '../app.ts'
import { scenario } from '../scenario.ts'
import { runChat } from './chat-loop.ts'

/** An agent, its generations and its tool as observations of Langfuse. */
export const app: App = async (surroundings) => {
  const { OpenAI } = await surroundings.load('openai')
  const { observeOpenAI } = await surroundings.load('@langfuse/openai')
  const { startActiveObservation } = await surroundings.load('@langfuse/tracing')
  const client = observeOpenAI(
    new OpenAI({
      apiKey: 'k',
      baseURL: `${surroundings.api}/v1`,
      maxRetries: surroundings.retries,
    }),
  )
  return startActiveObservation(
    'writer',
    () =>
      runChat(
        {
          ...surroundings,
          writeFile: (input) =>
            startActiveObservation(
              scenario.tool.name,
              (tool: { update(values: object): void }) => {
                tool.update({ input })
                return surroundings.writeFile(input)
              },
              { asType: 'tool' },
            ),
        },
        (request) => client.chat.completions.create(request, { signal: surroundings.signal }),
      ),
    { asType: 'agent' },
  )
}
