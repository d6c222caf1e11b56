/** Seals a turn: its prompt, its answer, and the sums of its model calls. */
import { crc32 } from 'node:zlib'
import type { AttributeName } from '@turnlog/conventions'
import { asArray, asObject, asString, defined, parseJson } from '@turnlog/conventions/plain'
import type { JournaledSpan } from '../journal/span-head.ts'
import type { ModelCallRecord } from '../models/model-api.ts'
import type { SealedAttributes } from '../otlp/otlp-json.ts'
import type { ConversationAddress } from '../record/candidate.ts'
import { redactText } from '../redact/redact.ts'
import { answeringCall, sentAnswer, type TurnCall } from './answering-call.ts'
import { type ChatRequest, chatRequestOf, conversationIdOf } from './chat-request.ts'
import { incomplete, put, putText, textMessages } from './content.ts'
import { type SpanFailure, withFailure } from './failure.ts'
import type { OpenContents } from './open-contents.ts'
import { sentTexts } from './sent-texts.ts'
import type { Notes, SealKind } from './span-kind.ts'

/** Facts about an open turn's model calls. They are part of the recorder's state, so that a restart adds nothing twice. */
export interface TurnSums {
  readonly model?: string | undefined
  /** The model of its first own call that offered tools. */
  readonly agentModel?: string | undefined
  readonly prompt?: string | undefined
  /** The checksums of the instructions with which it offered tools: those of its agents. */
  readonly agents?: readonly number[]
  /** Its own calls that gave a text, the last `callsMax` of them. */
  readonly calls?: readonly TurnCall[]
  readonly usage: { readonly [Name in AttributeName]?: number }
  /** Why its last call failed, if it did. */
  readonly failure?: SpanFailure | undefined
}

/** An answer is seldom followed by more calls than these. */
const callsMax = 16
const agentsMax = 16

export const emptySums: TurnSums = { usage: {} }

const summed = [
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.cache_read.input_tokens',
  'gen_ai.usage.cache_write.input_tokens',
  'gen_ai.usage.reasoning.output_tokens',
] as const satisfies AttributeName[]

/**
 * `isOwn`: the turn made the call itself. The tokens of a sub-agent's call are the turn's too; its prompt and answer are not.
 * `isLate`: it began when the app's response had ended.
 */
export function addModelCall(
  sums: TurnSums,
  call: ModelCallRecord,
  { isOwn, isLate }: { readonly isOwn: boolean; readonly isLate: boolean },
): TurnSums {
  const usage: { [Name in AttributeName]?: number } = { ...sums.usage }
  for (const name of summed) {
    const value = call.attributes[name]
    // A sum exists only if at least one call gave a number: missing is not 0.
    if (typeof value === 'number') usage[name] = (usage[name] ?? 0) + value
  }
  if (!isOwn) return { ...sums, usage }
  const named = call.attributes['gen_ai.request.model']
  const model = typeof named === 'string' ? named : undefined
  const {
    answerText: text,
    lastUserText: asked,
    finishReasons,
    toolDefinitions,
    toolResults,
  } = call
  const instructions = crc32(call.systemInstructions ?? '')
  const agents = new Set(sums.agents)
  if (toolDefinitions !== undefined) agents.add(instructions)
  const isAborted = call.attributes['turnlog.aborted'] === true
  const made = {
    text,
    asked,
    finishReason: finishReasons[0] ?? (isAborted ? undefined : 'stop'),
    instructions,
    bringsResults: toolResults.length > 0,
    ...(isLate ? { isLate } : {}),
  }
  const calls = text === '' ? (sums.calls ?? []) : [...(sums.calls ?? []), made]
  return {
    model: sums.model ?? model,
    agentModel: sums.agentModel ?? (toolDefinitions === undefined ? undefined : model),
    agents: [...agents].slice(0, agentsMax),
    prompt: sums.prompt ?? call.lastUserText,
    calls: calls.slice(-callsMax),
    usage,
    ...(isLate ? defined({ failure: sums.failure }) : failureOfCall(call)),
  }
}

function failureOfCall({ errorType: type, errorMessage: message }: ModelCallRecord) {
  if (type === undefined) return {}
  const redacted = message === undefined ? undefined : redactText(message).text
  return { failure: { type: redactText(type).text, ...defined({ message: redacted }) } }
}

export const sealTurn: SealKind = ({ span, notes }, attributes, context) => {
  const { contents, sums, isWhole } = context
  const own = sums.get(span.spanId) ?? emptySums
  const request = isWhole ? requestOf(contents, span.spanId, notes) : {}
  // The app may have passed its own texts to the API; the last of each counts.
  const fromApi = (slot: 'turn.prompt' | 'turn.answer'): string | undefined =>
    isWhole ? contents.pieces(span.spanId, slot).at(-1)?.toString() : undefined
  const prompt = fromApi('turn.prompt') ?? request.prompt ?? own.prompt
  const sent = isWhole ? contents.pieces(span.spanId, 'turn.response') : []
  const ofAgents = isWhole ? contents.pieces(span.spanId, 'turn.agent_answer') : []
  const told = ofAgents.map((answer) => ({
    text: answer.toString(),
    asked: prompt,
    finishReason: 'stop',
  }))
  const calls = [...(own.calls ?? []), ...told]
  const texts = sentTexts(sent)
  const found = hasLeft(attributes)
    ? sentAnswer(calls, texts)
    : answeringCall(calls, { prompt, sent: texts, agents: own.agents ?? [] })
  const text = fromApi('turn.answer') ?? found?.text
  // An answer that was cut because the app has stopped it, or its user left, has none.
  const finishReason = found === undefined ? 'stop' : found.finishReason
  const answer = textMessages('assistant', text, finishReason)
  if (prompt === undefined && !isWhole) {
    put(attributes, 'gen_ai.input.messages.omitted', incomplete)
  }
  putText(attributes, 'gen_ai.input.messages', textMessages('user', prompt), context)
  putText(attributes, 'gen_ai.output.messages', answer, context)
  const conversation =
    request.namedId ??
    asString(notes.answeredConversation) ??
    request.conversationId ??
    (isWhole ? answeredConversation(contents, span.spanId) : undefined) ??
    request.addressId ??
    asString(notes.conversation)
  if (conversation !== undefined) {
    attributes['gen_ai.conversation.id' satisfies AttributeName] ??= redactText(conversation).text
  }
  put(attributes, 'gen_ai.request.model', own.agentModel ?? own.model)
  for (const [name, value] of Object.entries(own.usage)) attributes[name] = value
  if (Object.keys(own.usage).length > 0) put(attributes, 'turnlog.usage.is_sum', true)
  return { span: withCause(span, attributes, own.failure), attributes }
}

/** The user, who was to be sent the answer, left before its end. */
function hasLeft(attributes: SealedAttributes): boolean {
  const transport = attributes['turnlog.turn.transport' satisfies AttributeName]
  const outcome = attributes['turnlog.turn.outcome' satisfies AttributeName]
  return outcome === 'aborted' && transport !== undefined
}

/** A turn that failed without a reason of its own did so because of its last model call: that is the error that counts. */
function withCause(
  span: JournaledSpan,
  attributes: SealedAttributes,
  failure: SpanFailure | undefined,
): JournaledSpan {
  const isFailed = attributes['turnlog.turn.outcome' satisfies AttributeName] === 'failed'
  if (!isFailed || attributes['error.type' satisfies AttributeName] !== undefined) return span
  const status = attributes['http.response.status_code' satisfies AttributeName]
  if (failure === undefined) {
    if (typeof status === 'number' && status >= 500) put(attributes, 'error.type', String(status))
    else put(attributes, 'error.type', '_OTHER')
    return span
  }
  put(attributes, 'turnlog.error.repeated', true)
  return withFailure(span, attributes, failure)
}

function requestOf(contents: OpenContents, id: string, notes: Notes): ChatRequest {
  const body = contents.bytes(id, 'turn.request') ?? new Uint8Array()
  const contentType = asString(notes.contentType)
  return chatRequestOf(body, { contentType, address: addressIn(notes.address) })
}

/** The journal holds what the candidate has noted; absent members are left out there. */
function addressIn(noted: unknown): ConversationAddress | undefined {
  const address = asObject(noted)
  if (address === undefined) return undefined
  const fields = (asArray(address.fields) ?? []).map((members) =>
    (asArray(members) ?? []).map(String),
  )
  return { url: asString(address.url), id: asString(address.id), fields }
}

/** The app's JSON answer, or one of its frames, may name the conversation it opened. */
function answeredConversation(contents: OpenContents, id: string): string | undefined {
  const pieces = contents.pieces(id, 'turn.response')
  const whole = pieces.length > 1 ? [Buffer.concat(pieces)] : []
  for (const text of [...pieces, ...whole]) {
    // A piece of a larger answer is not JSON.
    const found = conversationIdOf(parseJson(text.toString()))
    if (found !== undefined) return found
  }
  return undefined
}
