/** The chat page, its files, and the facts about the app that it shows. */

import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyPluginAsync } from 'fastify'

export interface About {
  readonly model: string
  readonly scripted: boolean
  readonly workspace: string
}

const pageDirectory = fileURLToPath(new URL('../page', import.meta.url))
const elementFile = createRequire(import.meta.url).resolve('@turnlog/web/changes.js')

/** Allows nothing from other origins, nothing inline, and no embedding in other pages. */
const contentPolicy =
  "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"

export const pageRoutes: FastifyPluginAsync<{ readonly about: About }> = async (app, { about }) => {
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({
      'content-security-policy': contentPolicy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
  })
  app.get('/api/about', async () => about)
  await app.register(fastifyStatic, { root: pageDirectory, cacheControl: false })
  await app.register(fastifyStatic, {
    root: dirname(elementFile),
    prefix: '/changes/',
    decorateReply: false,
    cacheControl: false,
  })
}
