/** A tool call: its arguments as the model wrote them, its result as the model was told. */
import { isObject } from '@turnlog/conventions/plain'
import type { ToolResult } from '../models/model-api.ts'
import type { SealedAttributes } from '../otlp/otlp-json.ts'
import type { HeldContents } from './open-contents.ts'
import { put, putText } from './seal-content.ts'
import { readExchange } from './seal-model-call.ts'
import { incomplete, type Notes, type SealKind } from './sealed-span.ts'

export const sealToolCall: SealKind = ({ span, notes }, attributes, context) => {
  const { held, isWhole } = context
  if (typeof notes.argumentsOmitted === 'string') {
    put(attributes, 'gen_ai.tool.call.arguments.omitted', notes.argumentsOmitted)
  } else if (!isWhole) put(attributes, 'gen_ai.tool.call.arguments.omitted', incomplete)
  else {
    const call = held.bytes(span.spanId, 'tool.arguments')
    putText(attributes, 'gen_ai.tool.call.arguments', call?.toString(), context)
  }
  const told = toldResult(span.spanId, notes, context)
  if (told !== undefined) {
    if ('omitted' in told) put(attributes, 'gen_ai.tool.call.result.omitted', told.omitted)
    else putText(attributes, 'gen_ai.tool.call.result', told.text, context)
    return { span, attributes }
  }
  const at = placeOfResult(notes)
  if (at === undefined) return { span, attributes }
  const result = isWhole && held.isWhole(at.id) ? resultAt(at, attributes, held) : undefined
  if (result === undefined) {
    put(attributes, 'gen_ai.tool.call.result.omitted', incomplete)
    return { span, attributes }
  }
  putText(attributes, 'gen_ai.tool.call.result', result.content, context)
  if (!result.isError) return { span, attributes }
  put(attributes, 'error.type', 'tool_error')
  return { span: { ...span, status: { code: 2 } }, attributes }
}

/** The last result the app has told itself, or why it is not to be had. */
function toldResult(
  id: string,
  notes: Notes,
  { held, isWhole }: Parameters<SealKind>[2],
): { readonly text: string } | { readonly omitted: string } | undefined {
  if (typeof notes.resultOmitted === 'string') return { omitted: notes.resultOmitted }
  const text = isWhole ? held.pieces(id, 'tool.result').at(-1)?.toString() : undefined
  if (text !== undefined) return { text }
  return notes.hasResult === true ? { omitted: incomplete } : undefined
}

interface Place {
  /** The model call that was told. */
  readonly id: string
  readonly exchange: number
}

function placeOfResult(notes: Notes): Place | undefined {
  const at = notes.result
  if (!isObject(at) || !('id' in at) || !('x' in at)) return undefined
  return { id: String(at.id), exchange: Number(at.x) }
}

/** The result lies in the request that told the model, whose model call is still open at this point. */
function resultAt(
  { id, exchange }: Place,
  attributes: SealedAttributes,
  held: HeldContents,
): ToolResult | undefined {
  const { 'gen_ai.tool.call.id': callId, 'gen_ai.tool.name': name } = attributes
  const results = readExchange(held, id, exchange)?.toolResults
  return results?.find((result) =>
    // An API without ids names the tool.
    callId === undefined ? result.name === name : result.callId === callId,
  )
}
