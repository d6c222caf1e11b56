import { once } from 'node:events'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { loadModel } from '../../src/agent/models/load-model.ts'
import type { ModelApi } from '../../src/agent/models/model.ts'
import { buildApp } from '../../src/app.ts'
import { baseUrlsAt } from '../../src/scripted-model/addresses.ts'
import { createScriptedModel, type ScriptedModelOptions } from '../../src/scripted-model/server.ts'
import { temporaryDirectory } from './directory.ts'

/** The scripted model's APIs on a free port; without an `answerTo` the script answers. */
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

/** The whole app, listening on a free port, against one of a scripted model's APIs. */
export async function startApp({
  api = 'anthropic',
  modelUrl,
  retriesMax = 0,
}: {
  readonly api?: ModelApi
  readonly modelUrl?: string
  readonly retriesMax?: number
} = {}) {
  const workspace = join(await temporaryDirectory(), 'workspace')
  const baseUrl = baseUrlsAt(modelUrl ?? (await startModel()))[api]
  const app = await buildApp({
    model: await loadModel(api, { name: 'a-model', apiKey: 'none', baseUrl, retriesMax }),
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
