import type { App } from '../app.ts'
import { openAiModel, textOf, toolOf } from './langchain-parts.ts'

export const app: App = async (surroundings) => {
  const { isStreamed, prompt, load } = surroundings
  const { END, MessagesAnnotation, START, StateGraph } = await load('@langchain/langgraph')
  const { ToolNode, toolsCondition } = await load('@langchain/langgraph/prebuilt')
  const tools = [await toolOf(surroundings)]
  const model = (await openAiModel(surroundings)).bindTools(tools)
  const graph = new StateGraph(MessagesAnnotation)
    .addNode('model', async ({ messages }: { readonly messages: unknown }) => ({
      messages: [await model.invoke(messages)],
    }))
    .addNode('tools', new ToolNode(tools))
    .addEdge(START, 'model')
    .addConditionalEdges('model', toolsCondition, { tools: 'tools', [END]: END })
    .addEdge('tools', 'model')
    .compile()
  const input = { messages: [{ role: 'user', content: prompt }] }
  return isStreamed
    ? textOf(await graph.stream(input, { streamMode: 'messages' }))
    : (await graph.invoke(input)).messages.at(-1).text
}
