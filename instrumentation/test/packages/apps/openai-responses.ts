import { type App, type Loaded, resultOf } from '../app.ts'
import { scenario } from '../scenario.ts'

export const app: App = async ({ api, isStreamed, prompt, retries, signal, load, writeFile }) => {
  const { OpenAI } = await load('openai')
  const client = new OpenAI({ apiKey: 'k', baseURL: `${api}/v1`, maxRetries: retries })
  const input: object[] = [{ role: 'user', content: prompt }]
  for (;;) {
    const request = {
      model: scenario.model,
      instructions: scenario.instructions,
      input,
      tools: [{ type: 'function', strict: false, ...scenario.tool }],
    }
    const response = isStreamed
      ? await lastOf(await client.responses.create({ ...request, stream: true }, { signal }))
      : await client.responses.create(request, { signal })
    const calls = response.output.filter(({ type }: Loaded) => type === 'function_call')
    if (calls.length === 0) return response.output[0].content[0].text
    input.push(...response.output)
    for (const call of calls) {
      const { text: output } = await resultOf(() => writeFile(JSON.parse(call.arguments)))
      input.push({ type: 'function_call_output', call_id: call.call_id, output })
    }
  }
}

async function lastOf(events: AsyncIterable<Loaded>): Promise<Loaded> {
  let response: Loaded
  for await (const event of events)
    if (event.type === 'response.completed') response = event.response
  return response
}
