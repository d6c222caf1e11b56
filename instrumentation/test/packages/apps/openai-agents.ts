import type { App } from '../app.ts'
import { scenario } from '../scenario.ts'

export const app: App = async ({ api, isStreamed, prompt, load, writeFile }) => {
  const { Agent, OpenAIProvider, Runner, tool } = await load('@openai/agents')
  const { name, description, parameters } = scenario.tool
  const agent = new Agent({
    name: 'Writer',
    instructions: scenario.instructions,
    model: scenario.model,
    tools: [tool({ name, description, parameters, strict: true, execute: writeFile })],
  })
  const modelProvider = new OpenAIProvider({ apiKey: 'k', baseURL: `${api}/v1` })
  const runner = new Runner({ modelProvider, tracingDisabled: true })
  if (!isStreamed) return (await runner.run(agent, prompt)).finalOutput
  const result = await runner.run(agent, prompt, { stream: true })
  let text = ''
  for await (const piece of result.toTextStream()) text += piece
  await result.completed
  return text
}
