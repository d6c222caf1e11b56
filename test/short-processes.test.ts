/** Command-line agents that end at once, with no other app that lives: all of what they did is in PostgreSQL, once. */
import * as path from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startMessagesApi } from '../instrumentation/test/support/messages-api.ts'
import { runProgram } from '../instrumentation/test/support/observed-program.ts'
import { sendersEnded, withSender } from '../instrumentation/test/support/senders.ts'
import { makeWorkspace } from '../instrumentation/test/support/workspace.ts'
import { accounts } from './support/account.ts'
import { startLossyCollector } from './support/lossy-collector.ts'
import { startReceiver, withReceiver } from './support/receiver.ts'

vi.setConfig({ testTimeout: 90_000 })

/** Asks once, prints the answer, and ends; or is killed instead, or removes the spool before. */
const agent = `import { rmSync } from 'node:fs'
const [prompt, end] = process.argv.slice(2)
const response = await fetch(process.env.API + '/v1/messages', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: prompt }] }),
})
console.log((await response.json()).content[0].text)
if (end === 'removes') rmSync(process.env.TELEMETRY_SPOOL_DIRECTORY, { recursive: true })
if (end === 'killed') setImmediate(() => process.kill(process.pid, 'SIGKILL'))`

async function openStage() {
  const stack = new AsyncDisposableStack()
  onTestFinished(() => stack.disposeAsync())
  const { database, receiver } = await withReceiver()
  const { folder, spool } = stack.use(makeWorkspace({ 'agent.mjs': agent }))
  stack.defer(() => sendersEnded(spool))
  const api = stack.use(await startMessagesApi(() => ({ text: 'Done.' })))
  return {
    database,
    receiver,
    stack,
    async run(prompt: string, { end = '', ...settings }: Readonly<Record<string, string>> = {}) {
      const env = {
        API: api.url,
        TELEMETRY_ENDPOINT: receiver.url,
        TELEMETRY_TOKEN: receiver.token,
        ...withSender,
        ...settings,
      }
      const options = { cwd: folder, spool, env, args: [prompt, end] }
      const outcome = await runProgram(path.join(folder, 'agent.mjs'), options)
      expect(outcome).toMatchObject({ stdout: 'Done.\n', stderr: '' })
      await sendersEnded(spool)
    },
    prompts: async () => {
      const rows = await database.query<{ prompt: string }>(
        'select prompt from turns order by prompt',
      )
      return rows.map(({ prompt }) => prompt)
    },
    /** Of each recorder what is neither landed nor dropped, and what is left in the spool. */
    left: async () =>
      (await accounts(spool, database)).flatMap(({ unaccounted, waiting, quarantined }) =>
        unaccounted + waiting + quarantined === 0 ? [] : [{ unaccounted, waiting, quarantined }],
      ),
  }
}

test('five runs have landed when the last sender has ended', async () => {
  const { run, prompts, left, database } = await openStage()
  for (const prompt of ['one', 'two', 'three', 'four', 'five']) await run(prompt)
  expect(await prompts()).toEqual(['five', 'four', 'one', 'three', 'two'])
  expect(await left()).toEqual([])
  expect(await database.query('select exit_code from sessions')).toEqual(
    Array.from({ length: 5 }, () => ({ exit_code: 0 })),
  )
})

test('runs that were killed, or that found no receiver, land once with the next one', async () => {
  const { run, prompts, left, receiver, database, stack } = await openStage()
  const port = Number(new URL(receiver.url).port)
  await run('killed', { end: 'killed' })
  await receiver.close()
  await run('offline')
  await run('offline and killed', { end: 'killed' })
  expect(await prompts()).toEqual([])
  stack.use(await startReceiver({ database, port }))
  await run('last')
  expect(await prompts()).toEqual(['killed', 'last', 'offline', 'offline and killed'])
  expect(await left()).toEqual([])
})

test('records of a spool that is removed before the end are declared lost', async () => {
  const { run, prompts, left, database } = await openStage()
  await run('removed', { end: 'removes' })
  expect(await prompts()).toEqual([])
  expect(await left()).toEqual([])
  const [row] = await database.query<{ isDeclared: boolean; missing: number }>(
    `select dropped > 0 and recorded = landed + dropped as "isDeclared", missing
       from session_completeness`,
  )
  expect(row).toEqual({ isDeclared: true, missing: 0 })
})

test('what a Collector has taken is confirmed before the sender ends', async () => {
  const { run, prompts, left, receiver, stack } = await openStage()
  const collector = stack.use(await startLossyCollector({ receiver: receiver.url }))
  await run('through it', {
    TELEMETRY_ENDPOINT: collector.url,
    TELEMETRY_RECEIVER: receiver.url,
  })
  expect(await prompts()).toEqual(['through it'])
  expect(await left()).toEqual([])
})

test('with TELEMETRY_EXPORTER=otlp the exporters send from the sender', async () => {
  const { run, prompts, left } = await openStage()
  await run('exported', { TELEMETRY_EXPORTER: 'otlp' })
  expect(await prompts()).toEqual(['exported'])
  expect(await left()).toEqual([])
})
