/** The loop of an agent over Anthropic's Messages, for all clients that speak it. */
import { type Loaded, resultOf, type Surroundings } from '../app.ts'
import { scenario } from '../scenario.ts'

export async function runMessages(
  { prompt, isStreamed, signal, writeFile }: Surroundings,
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
      ? await joined(await client.messages.create({ ...request, stream: true }, { signal }))
      : (await client.messages.create(request, { signal })).content
    messages.push({ role: 'assistant', content })
    const calls = content.filter(({ type }) => type === 'tool_use')
    if (calls.length === 0) return content.map(({ text }) => text).join('')
    const results = []
    for (const { id, input } of calls) {
      const { text, isError } = await resultOf(() => writeFile(input))
      const marked = isError ? { is_error: true } : {}
      results.push({ type: 'tool_result', tool_use_id: id, content: text, ...marked })
    }
    messages.push({ role: 'user', content: results })
  }
}

async function joined(events: AsyncIterable<Loaded>): Promise<readonly Loaded[]> {
  const blocks: Loaded[] = []
  let json = ''
  for await (const { type, index, content_block: block, delta } of events) {
    if (type === 'content_block_start') {
      blocks[index] = { ...block }
      json = ''
    }
    if (delta?.type === 'text_delta') blocks[index].text += delta.text
    if (delta?.type === 'input_json_delta') json += delta.partial_json
    if (type === 'content_block_stop' && blocks[index].type === 'tool_use') {
      blocks[index].input = JSON.parse(json)
    }
  }
  return blocks
}
