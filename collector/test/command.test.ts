/** The command and the configurations, as users run them, with the real Collector. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { expect, inject, test } from 'vitest'
import { startExample, temporaryFolder } from '../../test/support/example.ts'
import { post, span, traceRequest } from '../../test/support/otlp.ts'
import { freePorts } from '../../test/support/ports.ts'
import { startCollector } from './support/collector.ts'
import { expectAllOnce, openStage } from './support/stage.ts'

const root = path.resolve(import.meta.dirname, '../..')
const base = 'otel-collector-config.yaml'
const overlays = ['gateway', 'jaeger', 'tls', 'token-file'].map((name) => `collector/${name}.yaml`)
const environment = {
  TURNLOG_TOKEN: 'a-token',
  TURNLOG_TOKEN_FILE: '/nowhere/token',
  TURNLOG_USERS_FILE: '/nowhere/users',
  TURNLOG_TLS_CERTIFICATE: '/nowhere/certificate',
  TURNLOG_TLS_KEY: '/nowhere/key',
  TURNLOG_JAEGER: 'http://127.0.0.1:1',
}

test.each([[], ...overlays.map((overlay) => [overlay]), overlays])(
  'the Collector takes the configuration with %s %s %s %s on top',
  (...more) => {
    expect(validate([base, ...more], environment)).toEqual({ status: 0, said: '' })
  },
)

test.each([
  ['TURNLOG_TOKEN', [base], 'no bearer token provided'],
  ['TURNLOG_USERS_FILE', [base, 'collector/gateway.yaml'], 'no bearer token provided'],
  ['TURNLOG_JAEGER', [base, 'collector/jaeger.yaml'], 'at least one endpoint must be specified'],
])('without %s it does not start', (name, files, reason) => {
  const { status, said } = validate(files, { ...environment, [name]: '' })
  expect(status).toBe(1)
  expect(said).toContain(reason)
})

test('the token from a file is sent, also after the file was rewritten', async () => {
  using folder = temporaryFolder()
  const tokenFile = path.join(folder.path, 'token')
  await using stage = await openStage()
  const { receiver, database } = stage
  writeFileSync(tokenFile, `${receiver.token}\n`)
  await using collector = await startCollector({
    receiver: receiver.url,
    token: '',
    queue: path.join(folder.path, 'queue'),
    overlays: ['collector/token-file.yaml'],
    environment: { TURNLOG_TOKEN_FILE: tokenFile },
  })
  const send = (name: string) =>
    post({ url: collector.url, token: '' }, 'traces', traceRequest([span({}, { name })]))
  const landed = () => database.query('select distinct user_id from spans order by user_id')
  await send('first')
  await expect.poll(landed).toEqual([{ user_id: 'mara' }])
  writeFileSync(tokenFile, `${await receiver.newToken({ user: 'jun' })}\n`)
  await expect
    .poll(async () => {
      await send('next')
      return landed()
    })
    .toEqual([{ user_id: 'jun' }, { user_id: 'mara' }])
})

test('npm run collector starts the Collector, which forwards records and stops when asked', async () => {
  using folder = temporaryFolder()
  await using stage = await openStage()
  const { receiver } = stage
  const [grpc = 0, http = 0, health = 0, metrics = 0] = await freePorts(4)
  const child = spawn(process.execPath, ['collector/start.js'], {
    cwd: root,
    env: {
      ...process.env,
      XDG_STATE_HOME: folder.path,
      TURNLOG_RECEIVER: receiver.url,
      TURNLOG_TOKEN: receiver.token,
      TURNLOG_COLLECTOR_GRPC_PORT: String(grpc),
      TURNLOG_COLLECTOR_HTTP_PORT: String(http),
      TURNLOG_COLLECTOR_HEALTH_PORT: String(health),
      TURNLOG_COLLECTOR_METRICS_PORT: String(metrics),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  stage.defer(() => {
    child.kill('SIGKILL')
  })
  const ended = once(child, 'close')
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  await expect.poll(() => output).toContain('Ctrl-C')
  await using app = await startExample({
    spool: stage.spool,
    workspace: stage.workspace,
    endpoint: `http://127.0.0.1:${http}`,
    token: receiver.token,
    settings: { TELEMETRY_RECEIVER: receiver.url },
  })
  await app.chat('create a.txt with text')
  await expectAllOnce(stage, ['a.txt'])
  child.kill('SIGINT')
  expect(await ended).toEqual([0, null])
  expect(output).toMatch(
    /^Collector .*\nReceiver .*\nQueue .*\nLog .*\nCtrl-C stops it; .*\nStopping\.\n$/,
  )
})

function validate(files: readonly string[], more: NodeJS.ProcessEnv) {
  using folder = temporaryFolder()
  const { status, stdout, stderr } = spawnSync(
    inject('collectorProgram'),
    ['validate', ...files.flatMap((file) => ['--config', file])],
    {
      cwd: root,
      env: { PATH: process.env.PATH, TURNLOG_QUEUE_DIRECTORY: folder.path, ...more },
      encoding: 'utf8',
    },
  )
  return { status, said: `${stdout}${stderr}` }
}
