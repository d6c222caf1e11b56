/** Command-line agents whose spool is on a disk that is full, or fills: the host goes on, and what can be sent makes room. */
import { randomBytes } from 'node:crypto'
import * as path from 'node:path'
import { expect, type TestContext, test, vi } from 'vitest'
import { startMessagesApi } from '../instrumentation/test/support/messages-api.ts'
import { runProgram } from '../instrumentation/test/support/observed-program.ts'
import { sendersEnded, withSender } from '../instrumentation/test/support/senders.ts'
import { makeWorkspace } from '../instrumentation/test/support/workspace.ts'
import { accounts, recorderFolders } from './support/account.ts'
import { mountDisk } from './support/disk.ts'
import { startReceiver, withReceiver } from './support/receiver.ts'

vi.setConfig({ testTimeout: 120_000 })

/** Asks twice, prints both answers, and ends; fills the disk of its spool meanwhile if it is told to. */
const agent = `import * as fs from 'node:fs'
import * as path from 'node:path'
const [prompt, full] = process.argv.slice(2)
async function ask(content) {
  const response = await fetch(process.env.API + '/v1/messages', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content }] }),
  })
  console.log((await response.json()).content[0].text)
}
await ask(prompt)
if (full !== undefined) {
  const file = fs.openSync(path.join(full, 'of-somebody-else'), 'a')
  try {
    for (;;) fs.writeSync(file, Buffer.alloc(4096))
  } catch {}
  fs.closeSync(file)
}
await ask('again: ' + prompt)
process.exitCode = 3`

async function openStage(context: TestContext) {
  const stack = new AsyncDisposableStack()
  context.onTestFinished(() => stack.disposeAsync())
  const { database, receiver } = await withReceiver()
  const disk = mountDisk(context, 1)
  const spool = path.join(disk.path, 'spool')
  const { folder } = stack.use(makeWorkspace({ 'agent.mjs': agent }))
  stack.defer(() => sendersEnded(spool))
  const api = stack.use(await startMessagesApi(() => ({ text: 'Done.' })))
  return {
    database,
    disk,
    receiver,
    spool,
    stack,
    /** Runs the agent; gives what it printed on standard error. All else is as without the preload. */
    async run(prompt: string, ...full: string[]): Promise<string> {
      const env = {
        API: api.url,
        TELEMETRY_ENDPOINT: receiver.url,
        TELEMETRY_TOKEN: receiver.token,
        ...withSender,
      }
      const options = { cwd: folder, spool, env, args: [prompt, ...full] }
      const { stdout, stderr, code } = await runProgram(path.join(folder, 'agent.mjs'), options)
      expect({ stdout, code }).toEqual({ stdout: 'Done.\nDone.\n', code: 3 })
      await sendersEnded(spool)
      return stderr
    },
    prompts: async () => {
      const rows = await database.query<{ prompt: string }>(
        'select prompt from turns order by started_at',
      )
      return rows.map(({ prompt }) => prompt.slice(0, 20))
    },
    missing: async () =>
      (await accounts(spool, database)).filter(({ unaccounted }) => unaccounted !== 0),
  }
}

const unwritable = /^turnlog: Nothing is recorded: '.*' cannot be written \(ENOSPC\)\..*\n$/

test('records that have filled the disk while the receiver was away are sent when it is back', async (context) => {
  const { run, disk, receiver, database, stack, prompts } = await openStage(context)
  const port = Number(new URL(receiver.url).port)
  await receiver.close()
  disk.take(700 * 1024)
  let refused = ''
  for (let number = 1; refused === ''; number += 1) {
    refused = await run(`${number}: ${randomBytes(20_000).toString('base64')}`)
  }
  expect(refused).toMatch(unwritable)
  expect(await prompts()).toEqual([])
  stack.use(await startReceiver({ database, port }))
  // What it records itself finds no room yet.
  await run('makes room')
  expect((await prompts()).length).toBeGreaterThan(0)
  expect(disk.free()).toBeGreaterThan(0)
  expect(await run('the last')).toBe('')
  expect((await prompts()).at(-1)).toBe('again: the last')
})

test('with a full disk an app prints one line, and records again when there is room', async (context) => {
  const { run, disk, prompts, spool } = await openStage(context)
  disk.take()
  expect(await run('refused')).toMatch(unwritable)
  disk.giveBack()
  expect(await run('recorded')).toBe('')
  expect(await prompts()).toEqual(['recorded', 'again: recorded'])
  expect([...recorderFolders(spool).keys()]).toEqual([])
})

test('what a disk that fills in a run has not taken is declared lost', async (context) => {
  const { run, disk, prompts, missing, database } = await openStage(context)
  expect(
    await run(`before the disk is full ${randomBytes(40_000).toString('base64')}`, disk.path),
  ).toBe('')
  disk.giveBack()
  expect(await run('recorded')).toBe('')
  const landed = await prompts()
  expect([landed[0], ...landed.slice(-2)]).toEqual([
    'before the disk is f',
    'recorded',
    'again: recorded',
  ])
  expect(await missing()).toEqual([])
  const rows = await database.query<{ dropped: number }>(
    'select dropped from session_completeness order by dropped',
  )
  expect(rows.map(({ dropped }) => dropped > 0)).toEqual([false, true])
})
