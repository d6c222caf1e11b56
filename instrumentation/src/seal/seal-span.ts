/**
 * One ended span with its raw contents → what is sent of it. Turns, model calls, tool calls and file operations get
 * their content here; every other span goes on as it came, redacted.
 */
import { type AttributeName, instrumentationScope } from '@turnlog/conventions'
import { errorCode } from '@turnlog/conventions/plain'
import { failed } from '../health.ts'
import { redactAttributes, redactSpan } from '../redact/redact-record.ts'
import { sealFileOperation } from './seal-file-operation.ts'
import { sealModelCall } from './seal-model-call.ts'
import { sealToolCall } from './seal-tool-call.ts'
import { sealTurn } from './seal-turn.ts'
import type { EndedSpan, SealContext, SealedSpan, SealKind } from './sealed-span.ts'

/**
 * Contents that cannot be had, or not be read, never cost the span: it is sealed without them, and says so. Throws
 * only what may heal: a disk that is short of something.
 */
export function sealSpan(ended: EndedSpan, context: SealContext): SealedSpan {
  const span = redactSpan(ended.span)
  const seal = kindOf(ended, context)
  const attempt = (isWhole: boolean): SealedSpan =>
    seal({ ...ended, span }, redactAttributes(ended.span.attributes), { ...context, isWhole })
  if (!context.held.isWhole(span.spanId, ended.pieces)) return attempt(false)
  try {
    return attempt(true)
  } catch (cause) {
    if (mayHeal(cause)) throw cause
    failed('seal a span with its contents', cause)
    return attempt(false)
  }
}

function kindOf({ span }: EndedSpan, { held }: SealContext): SealKind {
  if (held.wire(span.spanId).size > 0) return sealModelCall
  // What other libraries emit under the same names goes on as it came.
  if (span.scope.name !== instrumentationScope) return sealOther
  const { attributes } = span
  if (typeof attributes['turnlog.file_operation.id' satisfies AttributeName] === 'string') {
    return sealFileOperation
  }
  switch (attributes['gen_ai.operation.name' satisfies AttributeName]) {
    case 'invoke_agent':
      return sealTurn
    case 'execute_tool':
      return sealToolCall
    default:
      return sealOther
  }
}

const sealOther: SealKind = ({ span }, attributes) => ({ span, attributes })

/** Too many open files, no memory: the next attempt may find it. A damaged disk or a file that is gone does not heal. */
export function mayHeal(cause: unknown): boolean {
  return /^(EMFILE|ENFILE|ENOMEM|EAGAIN|EBUSY|EINTR|ENOSPC|EDQUOT)$/.test(errorCode(cause) ?? '')
}
