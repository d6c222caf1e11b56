/** Seals a tool call: its arguments as the model wrote them, and its result as the model received it. */
import type { AttributeName } from '@turnlog/conventions'
import { toldBy } from '@turnlog/conventions/dialects/dialects'
import { asString, isObject, parseJson } from '@turnlog/conventions/plain'
import type { JournaledSpan } from '../journal/span-head.ts'
import type { ToolResult } from '../models/model-api.ts'
import { findResult } from '../models/tool-results.ts'
import type { SealedAttributes } from '../otlp/otlp-json.ts'
import { incomplete, put, putText } from './content.ts'
import { withFailure, withToldFailure } from './failure.ts'
import { readExchange } from './model-call.ts'
import type { OpenContents } from './open-contents.ts'
import type { EndedSpan, Notes, SealKind, SpanContext } from './span-kind.ts'

export const sealToolCall: SealKind = (ended, attributes, context) => {
  const isError = putTexts(ended, attributes, context)
  const span = withToldFailure(ended.span, attributes, { isRepeated: false })
  const isTold = attributes['error.type' satisfies AttributeName] !== undefined
  if (!isError || isTold) return { span, attributes }
  return { span: withFailure(span, attributes, { type: 'tool_error' }), attributes }
}

/** Whether the result says that the call failed. */
function putTexts(
  { span, notes }: EndedSpan,
  attributes: SealedAttributes,
  context: SpanContext,
): boolean {
  const { contents, isWhole } = context
  if (typeof notes.argumentsOmitted === 'string') {
    put(attributes, 'gen_ai.tool.call.arguments.omitted', notes.argumentsOmitted)
  } else if (!isWhole) put(attributes, 'gen_ai.tool.call.arguments.omitted', incomplete)
  else {
    const call = contents.bytes(span.spanId, 'tool.arguments')
    putText(attributes, 'gen_ai.tool.call.arguments', call?.toString(), context)
  }
  const given = resultFromApi(span.spanId, notes, context)
  if (given !== undefined) {
    if ('omitted' in given) put(attributes, 'gen_ai.tool.call.result.omitted', given.omitted)
    else putText(attributes, 'gen_ai.tool.call.result', given.text, context)
    return false
  }
  const location = locationOf(notes)
  if (location === undefined) {
    putText(attributes, 'gen_ai.tool.call.result', resultFromLibrary(span), context)
    return false
  }
  const result =
    isWhole && contents.isWhole(location.modelCallId)
      ? resultAt(location, attributes, contents)
      : undefined
  if (result === undefined) {
    put(attributes, 'gen_ai.tool.call.result.omitted', incomplete)
    return false
  }
  putText(attributes, 'gen_ai.tool.call.result', result.content, context)
  return result.isError
}

/** The last result that the app passed to the API, or the reason why it is missing. */
function resultFromApi(
  id: string,
  notes: Notes,
  { contents, isWhole }: SpanContext,
): { readonly text: string } | { readonly omitted: string } | undefined {
  if (typeof notes.resultOmitted === 'string') return { omitted: notes.resultOmitted }
  const text = isWhole ? contents.pieces(id, 'tool.result').at(-1)?.toString() : undefined
  if (text !== undefined) return { text }
  return notes.hasResult === true ? { omitted: incomplete } : undefined
}

/** The result that a library has told of whose span this is, too: no model was sent it. */
function resultFromLibrary({ name, scope, attributes }: JournaledSpan): string | undefined {
  const told = toldBy({ name, scope: scope.name, get: (attribute) => attributes[attribute] })
  const result = asString(told?.call?.result)
  const value = result === undefined ? undefined : parseJson(result)
  return typeof value === 'string' ? value : result
}

/** The exchange whose request carried the result to the model. */
function locationOf({ result: at }: Notes) {
  if (!isObject(at) || !('id' in at) || !('x' in at)) return undefined
  const later = 'later' in at ? Number(at.later) : 0
  return { modelCallId: String(at.id), exchange: Number(at.x), later }
}

/** The model call of that request is still open when the tool call is sealed. */
function resultAt(
  { modelCallId, exchange, later }: NonNullable<ReturnType<typeof locationOf>>,
  attributes: SealedAttributes,
  contents: OpenContents,
): ToolResult | undefined {
  const { 'gen_ai.tool.call.id': id, 'gen_ai.tool.name': name } = attributes
  const results = readExchange(contents, modelCallId, exchange)?.toolResults
  return results && findResult(results, { id: asString(id), name: String(name) }, later)
}
