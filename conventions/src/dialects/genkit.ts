/** Genkit: actions with `genkit:metadata:subtype`. */
import type { Dialect } from './span-role.ts'

export const genkit: Dialect = ({ name, get }) => {
  if (get('genkit:type') === undefined) return undefined
  const conversationId = get('genkit:sessionId')
  switch (get('genkit:metadata:subtype')) {
    case 'model':
      return { role: 'model_call', conversationId }
    case 'flow':
    case 'agent':
      return { role: 'agent', conversationId }
    case 'tool':
    case 'tool.v2':
      return {
        role: 'tool_call',
        conversationId,
        call: {
          name: get('genkit:name') ?? name,
          arguments: get('genkit:input'),
          result: get('genkit:output'),
        },
      }
    default:
      return { role: 'step', conversationId }
  }
}
