/** Records of a process or thread that has ended before they were sent: an app with the same destination sends them soon. */
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { runProgram, startProgram } from '../support/observed-program.ts'
import { makeWorkspace } from '../support/workspace.ts'
import { startReceiver } from '../upload/receiver.ts'

const api = new URL('../../src/index.ts', import.meta.url).href
const decides = (id: number): string =>
  `import('${api}').then(({ decide }) => decide({ operationId: '${idOf(id)}', decision: 'accept' }))`
const idOf = (id: number): string => String(id).padStart(32, '0')
const inThread = (code: string): string =>
  `new (process.getBuiltinModule('worker_threads').Worker)(${JSON.stringify(code)}, { eval: true })`

/** The regular search comes after 30 s. */
const withinMs = 9_000

async function startApp(code: string) {
  const stack = new AsyncDisposableStack()
  const workspace = stack.use(makeWorkspace({ 'app.mjs': code, 'short.mjs': decides(2) }))
  const receiver = stack.use(await startReceiver())
  const options = {
    cwd: workspace.folder,
    spool: workspace.spool,
    env: { TELEMETRY_ENDPOINT: receiver.url },
  }
  const app = stack.use(startProgram(path.join(workspace.folder, 'app.mjs'), options))
  await app.line('up')
  return {
    received: (id: number) => receiver.received.some(({ body }) => body.includes(idOf(id))),
    runShort: () => runProgram(path.join(workspace.folder, 'short.mjs'), options),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const server = `import { createServer } from 'node:http'
  createServer().listen(0, () => console.log('up now'))`

test('of a short process', async () => {
  await using app = await startApp(server)
  for (const _ of [1, 2]) await app.runShort()
  await expect.poll(() => app.received(2), { timeout: withinMs }).toBe(true)
})

test('of a thread that a thread has started', async () => {
  const nested = `${inThread(decides(1))}; setTimeout(() => {}, 30_000)`
  await using app = await startApp(`${server}; ${inThread(nested)}`)
  await expect.poll(() => app.received(1), { timeout: withinMs }).toBe(true)
})
