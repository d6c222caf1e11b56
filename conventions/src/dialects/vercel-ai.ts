/** Vercel's AI SDK up to version 6, and `LegacyOpenTelemetry` of version 7: spans with `ai.operationId`. */
import type { Dialect } from './span-role.ts'

const modelCall = /^ai\.(generate|stream)(Text|Object)\.do(Generate|Stream)$/
const agent = /^ai\.(generate|stream)(Text|Object)$/

export const vercelAi: Dialect = ({ get }) => {
  const operation = get('ai.operationId')
  if (typeof operation !== 'string') return undefined
  const conversationId =
    get('ai.telemetry.metadata.sessionId') ?? get('ai.telemetry.metadata.conversationId')
  if (modelCall.test(operation)) return { role: 'model_call', conversationId }
  if (agent.test(operation)) return { role: 'agent', conversationId }
  if (operation !== 'ai.toolCall') return { role: 'step', conversationId }
  return {
    role: 'tool_call',
    conversationId,
    call: {
      id: get('ai.toolCall.id'),
      name: get('ai.toolCall.name'),
      arguments: get('ai.toolCall.args'),
      result: get('ai.toolCall.result'),
    },
  }
}
