/** OpenLLMetry (Traceloop): `llm.request.type` on model calls, `traceloop.span.kind` on the spans around them. */
import type { Dialect } from './span-role.ts'

export const openLlmetry: Dialect = ({ name, get }) => {
  const conversationId = get('traceloop.association.properties.session_id')
  const requestType = get('llm.request.type')
  if (requestType === 'chat' || requestType === 'completion') {
    return { role: 'model_call', conversationId }
  }
  const kind = get('traceloop.span.kind')
  switch (kind) {
    case 'workflow':
    case 'agent':
      return { role: 'agent', conversationId }
    case 'tool':
      return {
        role: 'tool_call',
        conversationId,
        call: {
          name: get('traceloop.entity.name') ?? name,
          result: get('traceloop.entity.output'),
        },
      }
    default:
      return kind === undefined ? undefined : { role: 'step', conversationId }
  }
}
