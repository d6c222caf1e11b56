/** OpenInference (Arize Phoenix): spans with `openinference.span.kind`. A tool's span has its name. */
import type { Dialect } from './span-role.ts'

export const openInference: Dialect = ({ name, get }) => {
  const kind = get('openinference.span.kind')
  if (typeof kind !== 'string') return undefined
  const conversationId = get('session.id')
  switch (kind.toUpperCase()) {
    case 'LLM':
      return { role: 'model_call', conversationId }
    case 'AGENT':
      return { role: 'agent', conversationId }
    case 'TOOL':
      return {
        role: 'tool_call',
        conversationId,
        call: {
          id: get('tool_call.id') ?? get('tool.id'),
          name: get('tool.name') ?? name,
          arguments: get('input.value'),
          result: get('output.value'),
        },
      }
    default:
      return { role: 'step', conversationId }
  }
}
