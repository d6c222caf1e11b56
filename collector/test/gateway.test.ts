/** A gateway accepts requests with a token from its file; records belong to the user that they name. */
import { spawnSync } from 'node:child_process'
import { appendFileSync, writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { OTLPTraceExporter as GrpcTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { expect, test, vi } from 'vitest'
import { temporaryFolder } from '../../test/support/example.ts'
import { post, span, traceRequest } from '../../test/support/otlp.ts'
import { expectAllOnce, openStage, type StageOptions } from './support/stage.ts'

const overlays = ['collector/gateway.yaml']

async function openGateway(more: Pick<StageOptions, 'overlays' | 'environment'> = {}) {
  const folder = temporaryFolder()
  const usersFile = path.join(folder.path, 'users')
  writeFileSync(usersFile, 'a-token-of-nobody\n')
  const stage = await openStage({
    overlays: more.overlays ?? overlays,
    environment: { TURNLOG_USERS_FILE: usersFile, ...more.environment },
    collectorToken: (receiver) => receiver.newToken({ user: 'gateway', scope: 'gateway' }),
  })
  stage.defer(folder[Symbol.dispose])
  return {
    ...stage,
    letIn: (token: string, user: string) => appendFileSync(usersFile, `${token}  ${user}\n`),
    usersFile,
  }
}

test('a token that is not in the file gets 401, and its sender loses nothing', async () => {
  await using gateway = await openGateway()
  const { collector, receiver, database } = gateway
  await collector.start()
  for (const token of ['wrong', '', `${receiver.token}x`]) {
    const answer = await post({ url: collector.url, token }, 'traces', traceRequest([span()]))
    expect(answer.status).toBe(401)
  }
  // The ledger shows a token only the records of its user.
  const settings = { TELEMETRY_USER_ID: 'mara' }
  const app = await gateway.startApp({ settings })
  await app.chat('create a.txt with text')
  expect(await database.query('select * from spans')).toEqual([])

  gateway.letIn(receiver.token, 'mara')
  // A refused client retries only rarely, but a new start sends at once.
  await expect
    .poll(
      async () => (await post({ url: collector.url, token: receiver.token }, 'traces', {})).status,
    )
    .toBe(200)
  await app.stop()
  const next = await gateway.startApp({ settings })
  await next.chat('create b.txt with text')
  await expectAllOnce(gateway, ['a.txt', 'b.txt'])
})

test('each record lands for the user that it names', async () => {
  await using gateway = await openGateway()
  const { collector, receiver, database } = gateway
  const tokens = new Map<string, string>()
  for (const user of ['mara', 'jun', 'ola']) {
    const token = await receiver.newToken({ user })
    tokens.set(user, token)
    gateway.letIn(token, user)
  }
  await collector.start()
  for (const [user, token] of tokens) {
    const app = await gateway.startApp({ token, settings: { TELEMETRY_USER_ID: user } })
    await app.chat(`create ${user}.txt with text`)
  }
  await expectAllOnce(gateway, ['mara.txt', 'jun.txt', 'ola.txt'])
  const rows = await database.query(
    'select t.user_id, f.path from turns t join file_operations f using (trace_id) order by 1',
  )
  expect(rows).toEqual(
    ['jun', 'mara', 'ola'].map((user) => ({ user_id: user, path: `${user}.txt` })),
  )
})

test('over gRPC, too, a wrong token is refused and a valid one accepted', async () => {
  await using gateway = await openGateway()
  const { collector, receiver, database } = gateway
  gateway.letIn(receiver.token, 'mara')
  await collector.start()
  expect(await sendSpan(collector.grpcUrl, 'wrong')).toContain('UNAUTHENTICATED')
  expect(await database.query('select * from spans')).toEqual([])
  expect(await sendSpan(collector.grpcUrl, receiver.token)).toBe('sent')
  await expect.poll(() => database.query('select name from spans')).toEqual([{ name: 'good' }])
})

test('a token that is removed from the file is refused', async () => {
  await using gateway = await openGateway()
  const { collector, receiver, usersFile } = gateway
  gateway.letIn(receiver.token, 'mara')
  await collector.start()
  const status = async () =>
    (await post({ url: collector.url, token: receiver.token }, 'traces', {})).status
  expect(await status()).toBe(200)
  writeFileSync(usersFile, 'a-token-of-nobody\n')
  await expect.poll(status).toBe(401)
})

test('with TLS, an app that trusts the certificate authority sends as before', async ({ skip }) => {
  using folder = temporaryFolder()
  const [certificate, key] = ['certificate', 'key'].map((name) => path.join(folder.path, name))
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const names = ['-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
  const files = ['-keyout', `${key}`, '-out', `${certificate}`]
  const made = spawnSync('openssl', [...request, ...names, ...files])
  if (made.status !== 0) return skip('openssl, which makes the certificate, is not installed')
  await using gateway = await openGateway({
    overlays: [...overlays, 'collector/tls.yaml'],
    environment: { TURNLOG_TLS_CERTIFICATE: `${certificate}`, TURNLOG_TLS_KEY: `${key}` },
  })
  const { collector, receiver } = gateway
  gateway.letIn(receiver.token, 'mara')
  await collector.start()
  const target = { url: collector.url, token: receiver.token }
  expect((await post(target, 'traces', {})).status).toBe(400) // Without TLS.
  const settings = {
    TELEMETRY_ENDPOINT: collector.url.replace('http:', 'https:'),
    TELEMETRY_USER_ID: 'mara',
    NODE_EXTRA_CA_CERTS: `${certificate}`,
  }
  const app = await gateway.startApp({ settings })
  await app.chat('create a.txt with text')
  await expectAllOnce(gateway, ['a.txt'])
})

async function sendSpan(url: string, token: string): Promise<string> {
  const memory = new InMemorySpanExporter()
  const provider = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter: memory })],
  })
  provider.getTracer('test').startSpan('good').end()
  await provider.forceFlush()
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', `authorization=Bearer%20${token}`)
  const exporter = new GrpcTraceExporter({ url, timeoutMillis: 20_000 })
  try {
    return await new Promise((resolve) => {
      exporter.export(memory.getFinishedSpans(), ({ error }) =>
        resolve(error === undefined ? 'sent' : error.message),
      )
    })
  } finally {
    vi.unstubAllEnvs()
    await exporter.shutdown()
  }
}
