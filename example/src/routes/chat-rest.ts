/** `POST /api/chat`: one turn, answered as JSON, or streamed as chunks of plain text. */

import { PassThrough } from 'node:stream'
import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import type { TurnOutcome } from '../agent/agent.ts'
import { type Chat, type ChatMessage, parseChatMessage } from '../agent/chat.ts'

export const chatRoutes: FastifyPluginAsync<{ readonly chat: Chat }> = async (app, { chat }) => {
  app.post('/api/chat', async (request, reply) => {
    const body = (request.body ?? {}) as Readonly<Record<string, unknown>>
    const parsed = parseChatMessage(body.message, body.conversation_id)
    if (parsed.status === 'invalid') return refuse(reply, 400, 'invalid_message', parsed.reason)
    if (body.stream !== undefined && typeof body.stream !== 'boolean') {
      return refuse(reply, 400, 'invalid_message', 'stream is true or false.')
    }
    const signal = untilClientLeaves(reply)
    if (body.stream === true) return answerInChunks(chat, parsed.message, signal, reply)
    const outcome = await chat.answer(parsed.message, { signal })
    if (outcome.status !== 'completed') return refuseOutcome(reply, outcome)
    return reply.send({ answer: outcome.answer, conversation_id: parsed.message.conversationId })
  })
}

/**
 * The first piece of text decides the status. A turn that fails earlier is answered with an error. For one that fails
 * later the connection is cut, so that the client sees an incomplete response.
 */
async function answerInChunks(
  chat: Chat,
  message: ChatMessage,
  signal: AbortSignal,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const chunks = new PassThrough()
  const begun = Promise.withResolvers<undefined>()
  const turn = chat.answer(message, {
    signal,
    onText(text) {
      chunks.write(text)
      begun.resolve(undefined)
    },
  })
  const early = await Promise.race([begun.promise, turn])
  if (early !== undefined && early.status !== 'completed') return refuseOutcome(reply, early)

  void turn.then((outcome) => {
    if (outcome.status === 'completed') chunks.end()
    else chunks.destroy(new Error(outcome.status))
  })
  return reply
    .header('content-type', 'text/plain; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('x-content-type-options', 'nosniff')
    .header('x-conversation-id', message.conversationId)
    .send(chunks)
}

/** Aborts if the connection closes before the response was sent. */
function untilClientLeaves(reply: FastifyReply): AbortSignal {
  const leaving = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) leaving.abort()
  })
  if (reply.raw.destroyed) leaving.abort()
  return leaving.signal
}

function refuseOutcome(
  reply: FastifyReply,
  outcome: Exclude<TurnOutcome, { status: 'completed' }>,
): FastifyReply {
  return outcome.status === 'failed'
    ? refuse(reply, 502, 'turn_failed', outcome.reason)
    : refuse(reply, 503, 'turn_aborted', 'The turn was aborted.')
}

function refuse(reply: FastifyReply, status: number, code: string, message: string): FastifyReply {
  return reply.code(status).send({ error: { code, message } })
}
