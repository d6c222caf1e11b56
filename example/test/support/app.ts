import { once } from 'node:events'
import type { Server } from 'node:http'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { onTestFinished } from 'vitest'
import { buildApp } from '../../src/app.ts'
import { createScriptedModel, type ScriptedModelOptions } from '../../src/scripted-model/server.ts'
import { temporaryDirectory } from './directory.ts'

/** The Messages API on a free port; without an `answerTo` the script answers. */
export async function startModel(options: Partial<ScriptedModelOptions> = {}): Promise<string> {
  return listen(createScriptedModel({ pieceDelayMs: 0, ...options }))
}

/** Any server on a free port, closed with its connections after the test. */
export async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  return `http://127.0.0.1:${address.port}`
}

export type App = Awaited<ReturnType<typeof startApp>>

/** The whole app, listening on a free port, against a Messages API. */
export async function startApp(options: { readonly modelUrl?: string } = {}) {
  const workspace = join(await temporaryDirectory(), 'workspace')
  const app = await buildApp({
    client: new Anthropic({
      apiKey: 'none',
      baseURL: options.modelUrl ?? (await startModel()),
      maxRetries: 0,
    }),
    model: 'a-model',
    isScripted: true,
    workspace,
  })
  onTestFinished(() => app.close())
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return {
    url,
    workspace,
    close: () => app.close(),
    post: (body: unknown, init: RequestInit = {}) =>
      fetch(`${url}/api/chat`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        ...init,
      }),
  }
}
