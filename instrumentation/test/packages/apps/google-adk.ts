import type { App } from '../app.ts'
import { scenario } from '../scenario.ts'

export const app: App = async ({ api, isStreamed, prompt, load, writeFile }) => {
  // The package has no option for the address.
  process.env.GOOGLE_GEMINI_BASE_URL = api
  const adk = await load('@google/adk')
  // Its log has the time of day.
  adk.setLogLevel(adk.LogLevel.ERROR)
  const { z } = await load('zod')
  const { name, description } = scenario.tool
  const agent = new adk.LlmAgent({
    name: 'writer',
    instruction: scenario.instructions,
    model: new adk.Gemini({ model: scenario.model, apiKey: 'k' }),
    tools: [
      new adk.FunctionTool({
        name,
        description,
        parameters: z.object({ path: z.string(), text: z.string() }),
        execute: writeFile,
      }),
    ],
  })
  const runner = new adk.InMemoryRunner({ agent, appName: 'app' })
  const { id } = await runner.sessionService.createSession({ appName: 'app', userId: 'u' })
  let text = ''
  for await (const event of runner.runAsync({
    userId: 'u',
    sessionId: id,
    newMessage: { role: 'user', parts: [{ text: prompt }] },
    runConfig: { streamingMode: isStreamed ? adk.StreamingMode.SSE : adk.StreamingMode.NONE },
  })) {
    if (event.partial === true) continue
    for (const part of event.content?.parts ?? []) text += part.text ?? ''
  }
  return text
}
