/** OpenTelemetry's GenAI convention itself, as the Anthropic SDK, AI SDK 7, Strands and Mastra follow it. */
import type { AttributeName } from '../names/attributes.ts'
import type { Dialect, SpanRole } from './span-role.ts'

const roles: Readonly<Record<string, SpanRole>> = {
  invoke_agent: 'agent',
  chat: 'model_call',
  text_completion: 'model_call',
  generate_content: 'model_call',
  execute_tool: 'tool_call',
}

export const genAi: Dialect = ({ get }) => {
  const operation = get('gen_ai.operation.name' satisfies AttributeName)
  if (typeof operation !== 'string') return undefined
  const role = roles[operation] ?? 'step'
  const conversationId = get('gen_ai.conversation.id' satisfies AttributeName)
  if (role !== 'tool_call') return { role, conversationId }
  return {
    role,
    conversationId,
    call: {
      id: get('gen_ai.tool.call.id' satisfies AttributeName),
      name: get('gen_ai.tool.name' satisfies AttributeName),
      arguments: get('gen_ai.tool.call.arguments' satisfies AttributeName),
      result: get('gen_ai.tool.call.result' satisfies AttributeName),
    },
  }
}
