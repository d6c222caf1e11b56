import type { App, Loaded, Surroundings } from '../app.ts'
import { scenario } from '../scenario.ts'

export const app: App = (surroundings) => run(surroundings, surroundings.api)

export async function run(
  { isStreamed, prompt, load, writeFile }: Surroundings,
  endpoint: string,
): Promise<string> {
  const { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } = await load(
    '@aws-sdk/client-bedrock-runtime',
  )
  const client = new BedrockRuntimeClient({
    region: 'us-east-1',
    endpoint,
    credentials: { accessKeyId: 'a', secretAccessKey: 's' },
    maxAttempts: 1,
  })
  const { name, description, parameters } = scenario.tool
  const messages: object[] = [{ role: 'user', content: [{ text: prompt }] }]
  try {
    for (;;) {
      const request = {
        modelId: scenario.model,
        system: [{ text: scenario.instructions }],
        messages,
        toolConfig: {
          tools: [{ toolSpec: { name, description, inputSchema: { json: parameters } } }],
        },
      }
      const content: readonly Loaded[] = isStreamed
        ? await joined((await client.send(new ConverseStreamCommand(request))).stream)
        : (await client.send(new ConverseCommand(request))).output.message.content
      messages.push({ role: 'assistant', content })
      const calls = content.flatMap(({ toolUse }) => toolUse ?? [])
      if (calls.length === 0) return content.map(({ text }) => text).join('')
      const results = []
      for (const { toolUseId, input } of calls) {
        const text = await writeFile(input)
        results.push({ toolResult: { toolUseId, content: [{ text }] } })
      }
      messages.push({ role: 'user', content: results })
    }
  } finally {
    client.destroy()
  }
}

async function joined(events: AsyncIterable<Loaded>): Promise<readonly Loaded[]> {
  let text = ''
  let toolUse: Loaded
  let json = ''
  for await (const { contentBlockStart: start, contentBlockDelta: piece } of events) {
    toolUse ??= start?.start?.toolUse
    text += piece?.delta?.text ?? ''
    json += piece?.delta?.toolUse?.input ?? ''
  }
  return [toolUse === undefined ? { text } : { toolUse: { ...toolUse, input: JSON.parse(json) } }]
}
