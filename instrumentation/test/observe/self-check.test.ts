/** What a process says of itself: with its first record, and once its SDKs are loaded. */
import { expect, test } from 'vitest'
import { startChat } from '../support/chat.ts'
import { runProgram } from '../support/observed-program.ts'
import { type RecordedLog, readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

const parts = [
  'fs',
  'child_processes',
  'worker_threads',
  'websockets',
  'http2_clients',
  'http_servers',
  'http_clients',
  'undici',
  'ai_sdk',
  'tracer_provider',
]

function checksIn(logs: readonly RecordedLog[]) {
  return logs.flatMap(({ event, attributes }) => {
    const { 'turnlog.self_check.bound': bound, 'turnlog.self_check.not_bound': not } = attributes
    if (bound === undefined) return []
    const versions = JSON.parse(String(attributes['turnlog.self_check.versions']))
    return [{ event, bound, not: not === undefined ? {} : JSON.parse(String(not)), versions }]
  })
}

async function checksOf(program: string, env: Readonly<Record<string, string>> = {}) {
  using workspace = makeWorkspace()
  await runProgram(program, { cwd: workspace.folder, spool: workspace.spool, env })
  return checksIn(readRecorded(workspace.spool).logs)
}

test('a process that calls no model is checked once, with its first record', async () => {
  const { node, undici } = process.versions
  expect(await checksOf('differential/rejects-value.ts')).toEqual([
    { event: 'session.start', bound: parts, not: {}, versions: { node, undici, turnlog: '0.1.0' } },
  ])
})

test('worker threads do not repeat it', async () => {
  const checks = await checksOf('differential/threads.ts')
  expect(checks.filter(({ event }) => event === 'session.start')).toHaveLength(1)
})

test('what is switched off is not observed, and it is said', async () => {
  const [check] = await checksOf('differential/rejects-value.ts', {
    TELEMETRY_PROCESS_FILES_MAX: '0',
  })
  expect(check?.bound).toEqual(parts.filter((part) => part !== 'child_processes'))
  expect(check?.not).toEqual({ child_processes: 'switched_off' })
})

test('an app has its own tracer provider, and it is said', async () => {
  const checks = await checksOf('differential/own-telemetry.ts')
  expect(checks.map(({ event, not }) => [event, not])).toEqual([
    ['session.start', { tracer_provider: 'of_the_app' }],
    ['turnlog.self_check', { tracer_provider: 'of_the_app' }],
  ])
})

test('after the first model call it names the packages that speak to models', async () => {
  await using chat = await startChat({ client: 'undici 6', answer: () => ({ text: 'Hi.' }) })
  await chat.post('one')
  await chat.post('two')
  const [first, second, ...others] = checksIn((await chat.recorded()).logs)
  expect(others).toEqual([])
  expect(Object.keys(first?.versions)).toEqual(['node', 'undici', 'turnlog'])
  expect(second).toMatchObject({ event: 'turnlog.self_check', bound: parts })
  expect(second?.versions['@anthropic-ai/sdk']).toMatch(/^\d+\.\d+\.\d+/)
  expect(second?.versions['undici, loaded']).toMatch(/^6\./)
})
