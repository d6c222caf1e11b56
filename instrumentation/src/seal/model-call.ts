/** Seals a model call: maps the bytes of its last exchange to the GenAI convention, and adds them to the sums of its turns. */
import { type AttributeName, instrumentationScope } from '@turnlog/conventions'
import type { JournaledSpan } from '../journal/span-head.ts'
import type { ModelCallRecord } from '../models/model-api.ts'
import { findModelApi, modelApiNamed } from '../models/model-apis.ts'
import type { SealedAttributes } from '../otlp/otlp-json.ts'
import { redactText } from '../redact/redact.ts'
import { incomplete, put, putText, textMessages } from './content.ts'
import { asAborted } from './failure.ts'
import type { OpenContents } from './open-contents.ts'
import type { SealContext, SealKind } from './span-kind.ts'
import { addModelCall, emptySums } from './turn.ts'

/** Of a span's status. */
const failed = 2

export const sealModelCall: SealKind = ({ span }, attributes, context) => {
  const { contents, sums } = context
  const wire = contents.wire(span.spanId)
  const exchange = Math.max(...wire.keys())
  const { answers, turns: noted, isLate, isInner, isComplete } = wire.get(exchange) ?? {}
  const attempt = typeof answers === 'number' ? answers : exchange
  const { timeToFirstChunk } = wire.get(attempt) ?? {}
  if (attempt > 1) put(attributes, 'turnlog.model_call.attempt', attempt)
  // A library's span that has ended well before its answer: the app has read no further.
  const isLeft = isComplete === undefined && !isOurs(span) && span.status?.code !== failed
  const call = context.isWhole
    ? readExchange(contents, span.spanId, exchange, { isLeft })
    : undefined
  if (call === undefined) {
    // Part of an exchange would be mapped to something that nobody said.
    put(attributes, 'gen_ai.input.messages.omitted', incomplete)
    put(attributes, 'gen_ai.output.messages.omitted', incomplete)
    return { span, attributes }
  }
  putCall(attributes, call, context)
  if (attributes['gen_ai.request.stream' satisfies AttributeName] === true) {
    put(attributes, 'gen_ai.response.time_to_first_chunk', timeToFirstChunk)
  }
  const turns = Array.isArray(noted) ? noted : context.openTurnsOf(span.traceId)
  for (const [distance, turn] of turns.filter(context.isOpen).entries()) {
    const isOwn = distance === 0 && isInner !== true
    const facts = { isOwn, isLate: isLate === true }
    sums.set(turn, addModelCall(sums.get(turn) ?? emptySums, call, facts))
  }
  const { 'gen_ai.request.model': model, 'gen_ai.operation.name': operation } = call.attributes
  const isOwn = isOurs(span)
  const isNamed = isOwn && typeof model === 'string'
  const name = isNamed ? redactText(`${operation} ${model}`).text : span.name
  const named = { ...span, name }
  const isAborted = call.attributes['turnlog.aborted'] === true
  if (isAborted) return { span: asAborted(named, attributes), attributes }
  return { span: { ...named, ...statusOf(call) }, attributes }
}

function isOurs({ scope }: JournaledSpan): boolean {
  return scope.name === instrumentationScope
}

/** One exchange of the model call `id`, as its API maps it; `undefined` if its URL is not that of a known API. */
export function readExchange(
  contents: OpenContents,
  id: string,
  exchange: number,
  { isLeft = false } = {},
): ModelCallRecord | undefined {
  const responseBody = contents.bytes(id, 'wire.response', exchange) ?? new Uint8Array()
  const facts = contents.wire(id).get(exchange) ?? {}
  // A server that works in the background brings the answer with a later exchange.
  const asked = typeof facts.answers === 'number' ? facts.answers : exchange
  const url = String(facts.url ?? '')
  // A journal of an older version does not name the API.
  const named = typeof facts.api === 'string' ? modelApiNamed(facts.api) : undefined
  return (named ?? findModelApi('POST', URL.parse(url)))?.map({
    url,
    requestBody: contents.bytes(id, 'wire.request', asked) ?? new Uint8Array(),
    responseBody,
    isComplete: facts.isComplete === true,
    isUnseen: facts.isUnseen === true,
    ...(typeof facts.status === 'number' ? { status: facts.status } : {}),
    ...(Array.isArray(facts.headers) ? { responseHeaders: facts.headers } : {}),
    ...(typeof facts.error === 'string' ? { error: facts.error } : {}),
    isAborted: facts.isAborted === true || (isLeft && responseBody.byteLength > 0),
  })
}

function putCall(attributes: SealedAttributes, call: ModelCallRecord, rules: SealContext): void {
  for (const [name, value] of Object.entries(call.attributes)) {
    attributes[name] = typeof value === 'string' ? redactText(value).text : value
  }
  const input = call.inputMessages ?? textMessages('user', call.requestText)
  putText(attributes, 'gen_ai.system_instructions', call.systemInstructions, rules)
  putText(attributes, 'gen_ai.tool.definitions', call.toolDefinitions, rules)
  putText(attributes, 'gen_ai.input.messages', input, rules)
  putText(attributes, 'gen_ai.output.messages', call.outputMessages, rules)
}

function statusOf({ errorType, errorMessage }: ModelCallRecord) {
  if (errorType === undefined) return {}
  if (errorMessage === undefined) return { status: { code: 2 } }
  return { status: { code: 2, message: redactText(errorMessage).text } }
}
