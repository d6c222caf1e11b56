import type { App, Loaded } from '../app.ts'
import { scenario } from '../scenario.ts'

const { name, description } = scenario.tool
const parameters = {
  type: 'object',
  properties: { path: { type: 'string' }, text: { type: 'string' } },
}

/** The predecessor of `@google/genai`. */
export const app: App = async ({ api, isStreamed, prompt, load, writeFile }) => {
  const { GoogleGenerativeAI } = await load('@google/generative-ai')
  const model = new GoogleGenerativeAI('k').getGenerativeModel(
    {
      model: scenario.model,
      systemInstruction: scenario.instructions,
      tools: [{ functionDeclarations: [{ name, description, parameters }] }],
    },
    { baseUrl: api },
  )
  const chat = model.startChat()
  for (let message: string | object[] = prompt; ; ) {
    const response = isStreamed
      ? await lastOf(await chat.sendMessageStream(message))
      : (await chat.sendMessage(message)).response
    const calls = response.functionCalls() ?? []
    if (calls.length === 0) return response.text()
    message = []
    for (const { name, args } of calls) {
      const result = { output: await writeFile(args) }
      message.push({ functionResponse: { name, response: result } })
    }
  }
}

async function lastOf({ stream, response }: Loaded): Promise<Loaded> {
  for await (const _ of stream);
  return response
}
