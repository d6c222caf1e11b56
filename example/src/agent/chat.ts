/** Turns of conversations: the common part of the REST route and the WebSocket. */

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Agent, TurnOutcome, TurnRequest } from './agent.ts'
import { createConversations } from './conversations.ts'

export interface ChatMessage {
  readonly text: string
  readonly conversationId: string
}

export type Chat = ReturnType<typeof createChat>

export function createChat(agent: Agent) {
  const conversations = createConversations()
  const running = new Set<Promise<TurnOutcome>>()
  const closing = new AbortController()

  /** Runs one turn; it is aborted by the signal or by `close`. */
  async function answer(
    message: ChatMessage,
    request: Pick<TurnRequest, 'signal' | 'onText' | 'onTool'>,
  ): Promise<TurnOutcome> {
    const turn = agent.answer({
      ...request,
      text: message.text,
      history: conversations.history(message.conversationId),
      signal: AbortSignal.any([request.signal, closing.signal]),
    })
    running.add(turn)
    const outcome = await turn
    running.delete(turn)
    if (outcome.status === 'completed') conversations.add(message.conversationId, outcome.messages)
    return outcome
  }

  return {
    answer,

    /** Waits for running turns for the given time, then aborts them and waits for their end. */
    async close({ withinMs }: { readonly withinMs: number }): Promise<void> {
      const ended = Promise.allSettled(running)
      const stop = new AbortController()
      await Promise.race([ended, sleep(withinMs, undefined, { signal: stop.signal })])
      stop.abort()
      closing.abort()
      await ended
    },
  }
}

/** The client chooses a conversation's id, from characters that are allowed in a header. */
const conversationIdPattern = /^[A-Za-z0-9._:-]{1,128}$/

/** A message of a client; without a conversation's id it begins a new conversation. */
export function parseChatMessage(
  text: unknown,
  conversationId: unknown,
): { status: 'ok'; message: ChatMessage } | { status: 'invalid'; reason: string } {
  if (typeof text !== 'string' || text.trim() === '') {
    return { status: 'invalid', reason: 'A message with some text is needed.' }
  }
  if (conversationId === undefined || conversationId === null) {
    return { status: 'ok', message: { text, conversationId: randomUUID() } }
  }
  if (typeof conversationId !== 'string' || !conversationIdPattern.test(conversationId)) {
    return {
      status: 'invalid',
      reason: 'A conversation_id is 1 to 128 letters, digits or any of . _ : -',
    }
  }
  return { status: 'ok', message: { text, conversationId } }
}
