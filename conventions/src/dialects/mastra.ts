/** Mastra's bridge to OpenTelemetry. A span has GenAI's names when it ends; until then its own name tells what it is. */
import { genAi } from './gen-ai.ts'
import type { Dialect } from './span-role.ts'

export const mastra: Dialect = (span) => {
  if (span.scope !== '@mastra/otel-bridge') return undefined
  const told = genAi(span)
  if (told !== undefined) return told
  if (span.name.startsWith('agent run:')) return { role: 'agent' }
  const tool = /^tool: '(.*)'$/.exec(span.name)?.[1]
  return tool === undefined ? { role: 'step' } : { role: 'tool_call', call: { name: tool } }
}
