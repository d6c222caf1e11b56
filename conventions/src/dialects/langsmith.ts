/** LangSmith's OpenTelemetry spans: `langsmith.span.kind` is the type of a run. */
import type { Dialect } from './span-role.ts'

export const langSmith: Dialect = ({ name, get }) => {
  const kind = get('langsmith.span.kind')
  if (typeof kind !== 'string') return undefined
  const conversationId = get('langsmith.trace.session_id') ?? get('langsmith.metadata.session_id')
  switch (kind) {
    case 'llm':
      return { role: 'model_call', conversationId }
    case 'tool':
      return {
        role: 'tool_call',
        conversationId,
        call: { name: get('langsmith.trace.name') ?? name },
      }
    default:
      return { role: 'step', conversationId }
  }
}
