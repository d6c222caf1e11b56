/** A turn: what came in, what was answered, and the sums of its model calls. */

import type { AttributeName } from '@turnlog/conventions'
import { parseJson } from '@turnlog/conventions/plain'
import { redactText } from '../redact/redact.ts'
import { type ChatRequest, chatRequestOf, conversationIdOf } from './chat-request.ts'
import type { HeldContents } from './open-contents.ts'
import { put, putText, textMessages } from './seal-content.ts'
import { incomplete, type Notes, type SealKind } from './sealed-span.ts'
import { emptySums } from './turn-sums.ts'

export const sealTurn: SealKind = ({ span, notes }, attributes, context) => {
  const { held, sums, isWhole } = context
  const own = sums.get(span.spanId) ?? emptySums
  const request = isWhole ? requestOf(held, span.spanId, notes) : {}
  const told = isWhole ? toldOf(held, span.spanId) : {}
  const prompt = told.prompt ?? request.prompt ?? own.prompt
  const text = told.answer ?? own.answer
  const answer = textMessages('assistant', text, own.finishReason ?? 'stop')
  if (prompt === undefined && !isWhole) {
    put(attributes, 'gen_ai.input.messages.omitted', incomplete)
  }
  putText(attributes, 'gen_ai.input.messages', textMessages('user', prompt), context)
  putText(attributes, 'gen_ai.output.messages', answer, context)
  const conversation =
    request.conversationId ?? (isWhole ? answeredConversation(held, span.spanId) : undefined)
  if (conversation !== undefined) {
    attributes['gen_ai.conversation.id' satisfies AttributeName] ??= redactText(conversation).text
  }
  put(attributes, 'gen_ai.request.model', own.model)
  for (const [name, value] of Object.entries(own.usage)) attributes[name] = value
  if (Object.keys(own.usage).length > 0) put(attributes, 'turnlog.usage.is_sum', true)
  sums.delete(span.spanId)
  return { span, attributes }
}

/** What the app has said itself: of each the last. */
function toldOf(held: HeldContents, id: string): { prompt?: string; answer?: string } {
  const prompt = held.pieces(id, 'turn.prompt').at(-1)?.toString()
  const answer = held.pieces(id, 'turn.answer').at(-1)?.toString()
  return {
    ...(prompt === undefined ? {} : { prompt }),
    ...(answer === undefined ? {} : { answer }),
  }
}

function requestOf(held: HeldContents, id: string, notes: Notes): ChatRequest {
  const body = held.bytes(id, 'turn.request')
  const contentType = typeof notes.contentType === 'string' ? notes.contentType : undefined
  return body === undefined ? {} : chatRequestOf(body, contentType)
}

/** The app's JSON answer, or one of its frames, may name the conversation it has opened. */
function answeredConversation(held: HeldContents, id: string): string | undefined {
  const pieces = held.pieces(id, 'turn.response')
  const whole = pieces.length > 1 ? [Buffer.concat(pieces)] : []
  for (const text of [...pieces, ...whole]) {
    // A piece of a larger answer is no JSON.
    const found = conversationIdOf(parseJson(text.toString()))
    if (found !== undefined) return found
  }
  return undefined
}
