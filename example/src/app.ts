/** Builds the app: plugins and routes in order. It does not listen yet. */

import { changesRoutes } from '@turnlog/instrumentation/changes'
import Fastify, { type FastifyInstance } from 'fastify'
import { createAgent } from './agent/agent.ts'
import { createChat } from './agent/chat.ts'
import type { Model } from './agent/models/model.ts'
import { readSystemPrompt } from './agent/system-prompt.ts'
import { chatRoutes } from './routes/chat-rest.ts'
import { chatWebSocket } from './routes/chat-websocket.ts'
import { isOwnPage } from './routes/own-page.ts'
import { pageRoutes } from './routes/page.ts'
import { createToolbox } from './tools/toolbox.ts'
import { openWorkspace } from './tools/workspace.ts'

/** Enough for a long prompt with pasted logs. */
const bodyBytesMax = 8 * 1024 ** 2
/** When the app closes, running turns are aborted after this time. */
const turnsEndWithinMs = 1_000
const connectionsEndWithinMs = 500

export interface AppOptions {
  readonly model: Model
  readonly isScripted: boolean
  readonly workspace: string
}

/** Also opens the workspace; throws if that fails. Closing takes two seconds at most. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const workspace = await openWorkspace(options.workspace)
  const agent = createAgent({
    model: options.model,
    systemPrompt: await readSystemPrompt(),
    toolbox: createToolbox(workspace),
  })
  const chat = createChat(agent)

  const app = Fastify({ bodyLimit: bodyBytesMax })
  app.addHook('onRequest', async (request, reply) => {
    if (!isOwnPage(request.headers)) {
      const message = 'This app answers its own page on this machine only.'
      return reply.code(403).send({ error: { code: 'foreign_page', message } })
    }
  })
  app.addHook('preClose', async () => {
    await chat.close({ withinMs: turnsEndWithinMs })
    setTimeout(() => app.server.closeAllConnections(), connectionsEndWithinMs).unref()
  })

  await app.register(chatRoutes, { chat })
  await app.register(chatWebSocket, { chat })
  await app.register(changesRoutes)
  await app.register(pageRoutes, {
    about: { model: options.model.name, scripted: options.isScripted, workspace: workspace.root },
  })
  return app
}
