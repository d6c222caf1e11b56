/**
 * Seals a span of one of the app's libraries. What another span of the turn records better is not counted again: the span keeps
 * everything except the name of its operation. Its failure gets the same attributes in all dialects.
 */
import type { AttributeName } from '@turnlog/conventions'
import { isObject } from '@turnlog/conventions/plain'
import { put } from './content.ts'
import { withToldFailure } from './failure.ts'
import type { SealKind } from './span-kind.ts'

const operations: Readonly<Record<string, string>> = {
  model_call: 'chat',
  tool_call: 'execute_tool',
}

export const sealNativeSpan: SealKind = ({ span, notes }, attributes) => {
  const { role, isRepeated, isInTurn, isErrorRepeated } = isObject(notes.native) ? notes.native : {}
  if (role === 'agent' && isInTurn === true) put(attributes, 'turnlog.agent.in_turn', true)
  if (isRepeated === true) {
    const name = 'gen_ai.operation.name' satisfies AttributeName
    put(attributes, 'turnlog.repeated_operation', attributes[name] ?? operations[String(role)])
    delete attributes[name]
  }
  const failed = withToldFailure(span, attributes, { isRepeated: isErrorRepeated === true })
  return { span: failed, attributes }
}
