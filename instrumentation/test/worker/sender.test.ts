/** What a process leaves is sent by a process of its own, which the app, its terminal and whoever waits for it do not notice. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import type { ServerResponse } from 'node:http'
import * as path from 'node:path'
import { promisify } from 'node:util'
import { ledgerCommitted, ledgerHeader } from '@turnlog/conventions'
import { expect, test, vi } from 'vitest'
import { bareEnvironment } from '../../../test/support/bare-environment.ts'
import { runProgram, startProgram } from '../support/observed-program.ts'
import { sendersEnded, sendersOf, withSender } from '../support/senders.ts'
import { makeWorkspace } from '../support/workspace.ts'
import { type Answer, startReceiver } from '../upload/receiver.ts'

vi.setConfig({ testTimeout: 90_000 })

const register = new URL('../../src/register.js', import.meta.url).href
const api = new URL('../../src/index.ts', import.meta.url).href
/** Records one decision about the operation `ID`. */
const records = `await import('${api}').then(({ decide }) =>
  decide({ operationId: process.env.ID.padStart(32, '0'), decision: 'accept' }))`
const landed: Answer = (_, response) => {
  response.setHeader('content-type', 'application/json').setHeader(ledgerHeader, ledgerCommitted)
  response.end('{}')
}

async function openStage(code: string = records) {
  const stack = new AsyncDisposableStack()
  const { folder, spool } = stack.use(makeWorkspace({ 'app.mjs': code }))
  stack.defer(() => sendersEnded(spool))
  const receiver = stack.use(await startReceiver(landed))
  const app = path.join(folder, 'app.mjs')
  const options = (env: Readonly<Record<string, string>> = {}) => ({
    cwd: folder,
    spool,
    env: { TELEMETRY_ENDPOINT: receiver.url, ID: '1', ...withSender, ...env },
  })
  return {
    app,
    folder,
    spool,
    receiver,
    options,
    run: (id: number, env: Readonly<Record<string, string>> = {}) =>
      runProgram(app, options({ ID: String(id), ...env })),
    start: (env: Readonly<Record<string, string>>) => stack.use(startProgram(app, options(env))),
    /** How often each decision has arrived. */
    received: (ids: readonly number[]) =>
      ids.map((id) => {
        const pattern = new RegExp(`"${String(id).padStart(32, '0')}"`, 'g')
        return receiver.received
          .flatMap(({ body }) => body.match(pattern) ?? [])
          .filter((found) => found !== '').length
      }),
    recorders: () => {
      const [destination = ''] = destinationsIn(spool)
      return fs.readdirSync(destination)
    },
    senders: () => sendersOf(spool),
    ended: () => sendersEnded(spool),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

function destinationsIn(spool: string): string[] {
  return fs
    .readdirSync(spool)
    .filter((name) => /^[0-9a-f]{16}$/.test(name))
    .map((name) => path.join(spool, name))
}

/** Answers of the receiver that the test gives later. */
function holdAnswers() {
  const held: ServerResponse[] = []
  const answer: Answer = (_, response) => void held.push(response)
  const release = (): void => {
    for (const response of held) landed({} as never, response)
  }
  return { held, answer, release }
}

test('the records of five short processes arrive, and nothing is left of them', async () => {
  await using stage = await openStage()
  const ids = [1, 2, 3, 4, 5]
  for (const id of ids) expect(await stage.run(id)).toMatchObject({ code: 0, stderr: '' })
  await stage.ended()
  expect(stage.received(ids)).toEqual([1, 1, 1, 1, 1])
  expect(stage.recorders()).toEqual([])
})

test('records of a process that was killed arrive after the next short one', async () => {
  await using stage = await openStage(`${records}
    if (process.env.ID === '1') setImmediate(() => process.kill(process.pid, 'SIGKILL'))`)
  expect(await stage.run(1)).toMatchObject({ signal: 'SIGKILL' })
  expect(stage.senders()).toEqual([])
  await stage.run(2)
  await stage.ended()
  expect(stage.received([1, 2])).toEqual([1, 1])
  expect(stage.recorders()).toEqual([])
})

test('of ten processes that end at once all records arrive, by few senders', async () => {
  await using stage = await openStage(
    `import { existsSync, writeFileSync } from 'node:fs'
    import { setTimeout as sleep } from 'node:timers/promises'
    ${records}
    writeFileSync('recorded-' + process.env.ID, '')
    while (!existsSync('go')) await sleep(5)
    process.exit(0)`,
  )
  const ids = Array.from({ length: 10 }, (_, index) => index + 1)
  const apps = ids.map((id) => stage.start({ ID: String(id) }))
  const recorded = () => fs.readdirSync(stage.folder).filter((name) => /^recorded-/.test(name))
  await expect.poll(() => recorded().length, { timeout: 60_000 }).toBe(ids.length)
  let most = 0
  const watching = setInterval(() => (most = Math.max(most, stage.senders().length)), 20)
  fs.writeFileSync(path.join(stage.folder, 'go'), '')
  for (const app of apps) expect((await app.ended()).code).toBe(0)
  await stage.ended()
  clearInterval(watching)
  expect(stage.received(ids)).toEqual(ids.map(() => 1))
  expect(stage.recorders()).toEqual([])
  expect(most).toBeLessThanOrEqual(2)
})

test('whoever waits for the end of the app, or of its output, does not wait for the sender', async () => {
  await using stage = await openStage()
  const { held, answer, release } = holdAnswers()
  stage.receiver.answerWith(answer)
  const env = { ...bareEnvironment(), ...stage.options().env }
  const others = { HOME: stage.folder, TELEMETRY_SPOOL_DIRECTORY: stage.spool }
  // A descriptor above 15 that the app has inherited; Node closes the lower ones for its children.
  const command = `"$NODE" --import "$PRELOAD" app.mjs 20>&1 | cat; wait; echo "over"`
  const { stdout } = await promisify(execFile)('bash', ['-c', command], {
    cwd: stage.folder,
    env: { ...env, ...others, NODE: process.execPath, PRELOAD: register },
  })
  expect(stdout).toBe('over\n')
  expect(stage.senders()).toHaveLength(1)
  await expect.poll(() => held.length, { timeout: 20_000 }).toBe(1)
  const [sender] = stage.senders()
  expect(fs.readlinkSync(`/proc/${sender}/cwd`)).toBe('/')
  const open = fs.readdirSync(`/proc/${sender}/fd`)
  expect(open.map(Number).filter((descriptor) => descriptor < 3 || descriptor === 20)).toHaveLength(
    4,
  )
  for (const descriptor of [0, 1, 2, 20]) {
    expect(fs.readlinkSync(`/proc/${sender}/fd/${descriptor}`)).toBe('/dev/null')
  }
  release()
  stage.receiver.answerWith(landed)
})

test.for([
  ['that ends by itself', '', 0],
  ['that sets an exit code', 'process.exitCode = 7', 7],
  ['that exits', 'process.exit(3)', 3],
  ['that throws', 'throw new Error("no")', 1],
  [
    'that exits in a handler of a signal',
    'process.on("SIGINT", () => process.exit(130)); process.kill(process.pid, "SIGINT"); setTimeout(() => {}, 20_000)',
    130,
  ],
] as const)('a process %s ends as without the preload', async ([, code, exitCode]) => {
  await using stage = await openStage(`${records}
    process.on('exit', () => console.log('exit', process.exitCode))
    ${code}`)
  const { spool: _, ...bare } = stage.options()
  const expected = await runProgram(stage.app, bare)
  expect(expected.code).toBe(exitCode)
  const outcome = await stage.run(1)
  expect({ ...outcome, pid: 0 }).toEqual({ ...expected, pid: 0 })
  await stage.ended()
  expect(stage.received([1])).toEqual([1])
})

test('without a receiver one sender tries once and ends; the records arrive later, once', async () => {
  await using stage = await openStage()
  await stage.receiver.stop()
  for (const id of [1, 2, 3]) {
    await stage.run(id)
    await stage.ended()
  }
  expect(stage.received([1, 2, 3])).toEqual([0, 0, 0])
  expect(stage.recorders()).toHaveLength(3)
  await stage.receiver.start()
  await stage.run(4)
  await stage.ended()
  expect(stage.received([1, 2, 3, 4])).toEqual([1, 1, 1, 1])
  expect(stage.recorders()).toEqual([])
})

test('while one sender waits for the receiver, no other one is started, and it sends what has come meanwhile', async () => {
  await using stage = await openStage()
  const { held, answer, release } = holdAnswers()
  stage.receiver.answerWith(answer)
  await stage.run(1)
  await expect.poll(() => held.length, { timeout: 20_000 }).toBe(1)
  const senders = stage.senders()
  await Promise.all([stage.run(2), stage.run(3)])
  expect(stage.senders()).toEqual(senders)
  stage.receiver.answerWith(landed)
  release()
  await stage.ended()
  expect(stage.received([1, 2, 3])).toEqual([1, 1, 1])
})

test('what a killed sender has not sent is sent by the next one', async () => {
  await using stage = await openStage()
  const { held, answer } = holdAnswers()
  stage.receiver.answerWith(answer)
  await stage.run(1)
  await expect.poll(() => held.length, { timeout: 20_000 }).toBe(1)
  for (const pid of stage.senders()) process.kill(pid, 'SIGKILL')
  await stage.ended()
  expect(stage.recorders()).toContain('sender')
  stage.receiver.received.length = 0
  stage.receiver.answerWith(landed)
  await stage.run(2)
  await stage.ended()
  expect(stage.received([1, 2])).toEqual([1, 1])
  expect(stage.recorders()).toEqual([])
})

test.for([
  ['that is switched off', records, { TELEMETRY_ENABLED: '0' }],
  ['with TELEMETRY_SEND_AFTER_EXIT=0', records, { TELEMETRY_SEND_AFTER_EXIT: '0' }],
  ['without an endpoint', records, { TELEMETRY_ENDPOINT: '' }],
  ['without a record', '', {}],
] as const)('a process %s leaves no sender', async ([, code, settings]) => {
  // The program looks itself, at its very end: later a sender may have ended.
  await using stage = await openStage(`import { readdirSync, readFileSync } from 'node:fs'
    import { threadId } from 'node:worker_threads'
    ${code}
    process.on('exit', () => {
      const children = readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8')
      console.log('children: ' + children.trim())
    })`)
  expect(await stage.run(1, settings)).toMatchObject({ code: 0, stdout: 'children: \n' })
  expect(stage.received([1])).toEqual([0])
})

test('a process beside another one that lives leaves its records to that one', async () => {
  await using stage = await openStage(`${records}
    console.log('recorded it')
    if (process.env.STAYS) setTimeout(() => process.exit(), 600_000)`)
  const living = stage.start({ ID: '1', STAYS: '1' })
  await living.line('recorded')
  await stage.run(2)
  expect(stage.senders()).toEqual([])
  await expect.poll(() => stage.received([2]), { timeout: 20_000 }).toEqual([1])
})

test('a process beside another one that is stopped does not', async () => {
  await using stage = await openStage(`${records}
    console.log('recorded it')
    if (process.env.STAYS) setTimeout(() => process.exit(), 600_000)`)
  const stopped = stage.start({ ID: '1', STAYS: '1' })
  await stopped.line('recorded')
  stopped.child.kill('SIGSTOP')
  await stage.run(2)
  await stage.ended()
  expect(stage.received([2])).toEqual([1])
})

test('a program that is bundled with Node is not started again', async () => {
  await using stage = await openStage(`process.pkg = {}; ${records}`)
  await stage.run(1)
  expect(stage.senders()).toEqual([])
  expect(stage.recorders()).toHaveLength(1)
})

test('a sender takes neither the options of Node nor the end of the terminal from the app', async () => {
  await using stage = await openStage()
  const { answer, release, held } = holdAnswers()
  stage.receiver.answerWith(answer)
  const options = stage.options({
    NODE_OPTIONS: `--import ${register}`,
    NODE_V8_COVERAGE: path.join(stage.folder, 'coverage'),
  })
  const child = spawn(process.execPath, [stage.app], {
    cwd: stage.folder,
    env: {
      ...bareEnvironment(),
      ...options.env,
      HOME: stage.folder,
      TELEMETRY_SPOOL_DIRECTORY: stage.spool,
    },
    stdio: 'ignore',
    detached: true,
  })
  await once(child, 'close')
  await expect.poll(() => held.length, { timeout: 20_000 }).toBe(1)
  const coverage = fs.readdirSync(path.join(stage.folder, 'coverage'))
  const [sender = 0] = stage.senders()
  const stat = fs.readFileSync(`/proc/${sender}/stat`, 'utf8')
  const [, , group, session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  expect([group, session]).toEqual([String(sender), String(sender)])
  release()
  stage.receiver.answerWith(landed)
  await stage.ended()
  expect(fs.readdirSync(path.join(stage.folder, 'coverage'))).toEqual(coverage)
})
