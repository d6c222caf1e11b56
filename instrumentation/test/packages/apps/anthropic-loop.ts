/** The loop of an agent over Anthropic's Messages, for all clients that speak it. */
import type { Loaded, Surroundings } from '../app.ts'
import { scenario } from '../scenario.ts'

export async function runMessages(
  { prompt, isStreamed, writeFile }: Surroundings,
  client: Loaded,
): Promise<string> {
  const { name, description, parameters } = scenario.tool
  const messages: object[] = [{ role: 'user', content: prompt }]
  for (;;) {
    const request = {
      model: scenario.model,
      max_tokens: 100,
      system: scenario.instructions,
      messages,
      tools: [{ name, description, input_schema: parameters }],
    }
    const content: readonly Loaded[] = isStreamed
      ? await joined(await client.messages.create({ ...request, stream: true }))
      : (await client.messages.create(request)).content
    messages.push({ role: 'assistant', content })
    const calls = content.filter(({ type }) => type === 'tool_use')
    if (calls.length === 0) return content.map(({ text }) => text).join('')
    const results = []
    for (const { id, input } of calls) {
      results.push({ type: 'tool_result', tool_use_id: id, content: await writeFile(input) })
    }
    messages.push({ role: 'user', content: results })
  }
}

async function joined(events: AsyncIterable<Loaded>): Promise<readonly Loaded[]> {
  const blocks: Loaded[] = []
  let json = ''
  for await (const { type, index, content_block: block, delta } of events) {
    if (type === 'content_block_start') blocks[index] = { ...block }
    if (delta?.type === 'text_delta') blocks[index].text += delta.text
    if (delta?.type === 'input_json_delta') json += delta.partial_json
    if (type === 'content_block_stop' && blocks[index].type === 'tool_use') {
      blocks[index].input = JSON.parse(json)
    }
  }
  return blocks
}
