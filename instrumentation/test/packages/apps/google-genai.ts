import { type App, type Loaded, resultOf } from '../app.ts'
import { scenario } from '../scenario.ts'

const { name, description } = scenario.tool
const parameters = {
  type: 'OBJECT',
  properties: { path: { type: 'STRING' }, text: { type: 'STRING' } },
}

export const app: App = async ({ api, isStreamed, prompt, retries, signal, load, writeFile }) => {
  const { GoogleGenAI } = await load('@google/genai')
  const client = new GoogleGenAI({
    apiKey: 'k',
    httpOptions: { baseUrl: api, ...retryOptions(retries) },
  })
  const contents: object[] = [{ role: 'user', parts: [{ text: prompt }] }]
  const config = {
    systemInstruction: scenario.instructions,
    tools: [{ functionDeclarations: [{ name, description, parameters }] }],
    abortSignal: signal,
  }
  for (;;) {
    const request = { model: scenario.model, contents, config }
    const parts: Loaded[] = []
    if (isStreamed) {
      for await (const { candidates } of await client.models.generateContentStream(request)) {
        parts.push(...candidates[0].content.parts)
      }
    } else {
      parts.push(...(await client.models.generateContent(request)).candidates[0].content.parts)
    }
    contents.push({ role: 'model', parts })
    const calls = parts.flatMap(({ functionCall }) => functionCall ?? [])
    if (calls.length === 0) return parts.map(({ text }) => text).join('')
    const results = []
    for (const { name, args } of calls) {
      const { text, isError } = await resultOf(() => writeFile(args))
      const response = isError ? { error: text } : { output: text }
      results.push({ functionResponse: { name, response } })
    }
    contents.push({ role: 'user', parts: results })
  }
}

function retryOptions(retries: number): object {
  return retries === 0 ? {} : { retryOptions: { attempts: retries + 1 } }
}
