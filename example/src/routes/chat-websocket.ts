/**
 * `/ws/chat`: several turns at a time on one socket.
 *
 * In:  `{"type":"message","text","conversation_id"?}`
 * Out: `{"type":"delta","text"}` … `{"type":"done","conversation_id"}`, or `{"type":"error","message"}`.
 *
 * A message may have an `id` (a string); all its answers then have it too, so that the client can tell simultaneous
 * turns apart. With `"tools": true` tool calls are reported as well: `{"type":"tool","name","subject","state"}`.
 */

import type { FastifyPluginAsync } from 'fastify'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Chat, parseChatMessage } from '../agent/chat.ts'
import { isOwnPage } from './own-page.ts'

const path = '/ws/chat'
const messageBytesMax = 8 * 1024 ** 2
/** The limit of simultaneous turns on one socket; a further message is answered with an error. */
const turnsAtOnceMax = 16
/** A client that does not answer the closing handshake is disconnected after this time. */
const goodbyeWithinMs = 300

export const chatWebSocket: FastifyPluginAsync<{ readonly chat: Chat }> = async (app, { chat }) => {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: messageBytesMax })

  app.server.on('upgrade', (request, socket, head) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    if (pathname !== path || !isOwnPage(request.headers)) {
      socket.end(`HTTP/1.1 ${pathname === path ? '403 Forbidden' : '404 Not Found'}\r\n\r\n`)
      return
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      sockets.emit('connection', client, request)
    })
  })
  sockets.on('connection', (socket) => serve(socket, chat))

  app.addHook('preClose', async () => {
    for (const socket of sockets.clients) socket.close(1001, 'The app is closing.')
    setTimeout(() => {
      for (const socket of sockets.clients) socket.terminate()
    }, goodbyeWithinMs).unref()
  })
}

function serve(socket: WebSocket, chat: Chat): void {
  const leaving = new AbortController()
  let turns = 0
  socket.on('close', () => leaving.abort())
  // A broken frame or connection: `close` follows.
  socket.on('error', () => {})
  // This promise lasts for the whole turn, and never rejects.
  socket.on('message', async (data, isBinary) => {
    if (turns >= turnsAtOnceMax) {
      return send(socket, { type: 'error', message: 'Too many messages at once.' })
    }
    turns += 1
    await answer(isBinary ? '' : data.toString(), { socket, chat, signal: leaving.signal })
    turns -= 1
  })
}

async function answer(
  data: string,
  { socket, chat, signal }: { socket: WebSocket; chat: Chat; signal: AbortSignal },
): Promise<void> {
  const frame = parseFrame(data)
  if (frame === undefined) {
    return send(socket, { type: 'error', message: 'A JSON object of type "message" is expected.' })
  }
  const id = typeof frame.id === 'string' ? { id: frame.id } : {}
  const parsed = parseChatMessage(frame.text, frame.conversation_id)
  if (parsed.status === 'invalid') {
    return send(socket, { type: 'error', ...id, message: parsed.reason })
  }
  const outcome = await chat.answer(parsed.message, {
    signal,
    onText: (text) => send(socket, { type: 'delta', ...id, text }),
    onTool: (activity) => {
      if (frame.tools === true) send(socket, { type: 'tool', ...id, ...activity })
    },
  })
  switch (outcome.status) {
    case 'completed':
      return send(socket, {
        type: 'done',
        ...id,
        conversation_id: parsed.message.conversationId,
      })
    case 'failed':
      return send(socket, { type: 'error', ...id, message: outcome.reason })
    case 'aborted':
      return send(socket, { type: 'error', ...id, message: 'The turn was aborted.' })
  }
}

function parseFrame(data: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const frame: unknown = JSON.parse(data)
    if (typeof frame !== 'object' || frame === null) return undefined
    return 'type' in frame && frame.type === 'message' ? { ...frame } : undefined
  } catch {
    return undefined
  }
}

/** Does nothing if the socket is closed. */
function send(socket: WebSocket, frame: Readonly<Record<string, unknown>>): void {
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(frame))
}
