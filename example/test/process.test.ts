/** The app as a process: its output, its exit codes, and its end. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { modelApis } from '../src/agent/models/model.ts'
import { baseUrlsAt } from '../src/scripted-model/addresses.ts'
import { startApp, startModel } from './support/app.ts'
import { temporaryDirectory } from './support/directory.ts'
import { eventually } from './support/patience.ts'
import { chat, startProcess } from './support/process.ts'
import { childrenOf, isRunning, longCommand, longCommandOf } from './support/running.ts'

test('it prints one line with its address, writes only below its folder, and ends with 0', async () => {
  const app = await startProcess()
  const url = await app.url()
  expect(app.output.stdout).toBe(
    `Chat with a scripted model: ${url} (workspace ${join(app.directory, 'workspace')})\n`,
  )
  const response = await chat(url, 'add a greeting to hello.txt')
  expect(response.status).toBe(200)
  expect(readFileSync(join(app.directory, 'workspace/hello.txt'), 'utf8')).toBe('Hello, world!\n')

  const begin = performance.now()
  app.child.kill('SIGTERM')
  expect(await app.closed).toBe(0)
  expect(performance.now() - begin).toBeLessThan(3_000)
  expect(app.output.stderr).toBe('')
})

test.each(['SIGINT', 'channel'] as const)(
  'it ends by %s in the middle of a turn, within three seconds, its command too',
  async (way) => {
    const app = await startProcess()
    const workspace = join(app.directory, 'workspace')
    const turn = chat(await app.url(), longCommand).catch(() => {})
    const command = await longCommandOf(workspace)
    const begin = performance.now()
    if (way === 'channel') app.child.disconnect()
    else app.child.kill(way)
    expect(await app.closed).toBe(0)
    expect(performance.now() - begin).toBeLessThan(3_500)
    expect(isRunning(command)).toBe(false)
    await turn
    expect(app.output.stderr).toBe('')
  },
)

test('the scripted model ends with the app, also with kill -9', async () => {
  const app = await startProcess()
  await app.url()
  const model = childrenOf(app.child.pid)
  expect(model).toHaveLength(1)
  app.child.kill('SIGKILL')
  await app.closed
  await eventually(() => !model.some(isRunning))
})

test('a port in use is one clear line and exit code 1', async () => {
  const other = await startApp()
  const port = new URL(other.url).port
  const app = await startProcess({ EXAMPLE_PORT: port })
  expect(await app.closed).toBe(1)
  expect(app.output).toEqual({
    stdout: '',
    stderr: `Port ${port} is in use; set EXAMPLE_PORT to a free one.\n`,
  })
})

test('an invalid setting is one clear line and exit code 1', async () => {
  const directory = await temporaryDirectory()
  writeFileSync(join(directory, 'file'), '')
  for (const [environment, line] of [
    [{ EXAMPLE_PORT: 'http' }, /^EXAMPLE_PORT must be a port, 0 to 65535, not 'http'\.\n$/],
    [{ ANTHROPIC_BASE_URL: 'nowhere' }, /^ANTHROPIC_BASE_URL must be an http or https URL\.\n$/],
    [
      { EXAMPLE_MODEL_API: 'cohere' },
      /^EXAMPLE_MODEL_API must be one of anthropic, openai, responses, gemini, not 'cohere'\.\n$/,
    ],
    [
      { EXAMPLE_MODEL_API: 'responses', OPENAI_BASE_URL: 'nowhere' },
      /^OPENAI_BASE_URL must be an http or https URL\.\n$/,
    ],
    [{ EXAMPLE_WORKSPACE: join(directory, 'file') }, /^The workspace .*file cannot be made/],
  ] as const) {
    const app = await startProcess(environment)
    expect(await app.closed).toBe(1)
    expect(app.output).toEqual({ stdout: '', stderr: expect.stringMatching(line) })
    expect(app.output.stderr.split('\n')).toHaveLength(2)
  }
})

test('with ANTHROPIC_BASE_URL it uses that API, without needing a key', async () => {
  const app = await startProcess({
    ANTHROPIC_BASE_URL: await startModel(),
    EXAMPLE_MODEL: 'their-model',
  })
  const url = await app.url()
  expect(app.output.stdout).toContain('Chat with their-model')
  expect(childrenOf(app.child.pid)).toEqual([])
  expect((await chat(url, 'count to 3')).status).toBe(200)
  const about = await (await fetch(`${url}/api/about`)).json()
  expect(about).toMatchObject({ model: 'their-model', scripted: false })
})

test.each(modelApis)(
  'with EXAMPLE_MODEL_API=%s the scripted model answers in that API',
  async (api) => {
    // The key of another API does not count.
    const other = api === 'anthropic' ? 'OPENAI_API_KEY' : 'ANTHROPIC_API_KEY'
    const app = await startProcess({ EXAMPLE_MODEL_API: api, [other]: 'a-key' })
    const url = await app.url()
    expect(app.output.stdout).toContain('Chat with a scripted model')
    const response = await chat(url, 'create a.txt with text')
    expect(await response.json()).toMatchObject({
      answer: expect.stringContaining('I wrote a.txt'),
    })
    expect(app.output.stderr).toBe('')
  },
)

test.each([
  ['openai', 'OPENAI_BASE_URL'],
  ['responses', 'OPENAI_BASE_URL'],
  ['gemini', 'GOOGLE_GEMINI_BASE_URL'],
] as const)('%s uses the address in %s', async (api, variable) => {
  const app = await startProcess({
    EXAMPLE_MODEL_API: api,
    EXAMPLE_MODEL: 'their-model',
    [variable]: baseUrlsAt(await startModel())[api],
  })
  const url = await app.url()
  expect(app.output.stdout).toContain('Chat with their-model')
  expect(childrenOf(app.child.pid)).toEqual([])
  expect((await chat(url, 'count to 3')).status).toBe(200)
})
