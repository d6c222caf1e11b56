import type { App } from '../app.ts'
import { langchainParts } from './langchain-parts.ts'

export const app: App = async (surroundings) => {
  const { isStreamed, prompt, load } = surroundings
  const { END, MessagesAnnotation, START, StateGraph } = await load('@langchain/langgraph')
  const { ToolNode, toolsCondition } = await load('@langchain/langgraph/prebuilt')
  const { model, tools } = await langchainParts(surroundings)
  const bound = model.bindTools(tools)
  const graph = new StateGraph(MessagesAnnotation)
    .addNode('model', async ({ messages }: { messages: unknown }) => ({
      messages: [await bound.invoke(messages)],
    }))
    .addNode('tools', new ToolNode(tools))
    .addEdge(START, 'model')
    .addConditionalEdges('model', toolsCondition, { tools: 'tools', [END]: END })
    .addEdge('tools', 'model')
    .compile()
  const input = { messages: [{ role: 'user', content: prompt }] }
  if (!isStreamed) return (await graph.invoke(input)).messages.at(-1).text
  let text = ''
  for await (const [message] of await graph.stream(input, { streamMode: 'messages' })) {
    if (message.type === 'ai') text += message.text
  }
  return text
}
