/** Langfuse: observations with `langfuse.observation.type`, which is set right after the start. */
import type { Dialect } from './span-role.ts'

export const langfuse: Dialect = ({ name, get }) => {
  const type = get('langfuse.observation.type')
  if (typeof type !== 'string') return undefined
  const conversationId = get('langfuse.session.id') ?? get('session.id')
  switch (type) {
    case 'generation':
      return { role: 'model_call', conversationId }
    case 'agent':
      return { role: 'agent', conversationId }
    case 'tool':
      return {
        role: 'tool_call',
        conversationId,
        call: {
          name,
          arguments: get('langfuse.observation.input'),
          result: get('langfuse.observation.output'),
        },
      }
    default:
      return { role: 'step', conversationId }
  }
}
