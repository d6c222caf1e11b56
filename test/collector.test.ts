/** `npm run collector`, with a stand-in for the Collector: its checks, its messages, and its traces on disk. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as path from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { bareEnvironment } from './support/bare-environment.ts'
import { mountDisk } from './support/disk.ts'
import { temporaryFolder } from './support/example.ts'
import { freePort, freePorts } from './support/ports.ts'

const root = path.resolve(import.meta.dirname, '..')
const standIn = path.join(import.meta.dirname, 'collector-stand-ins/collector.js')

const landed: RequestListener = (_request, response) => {
  response.setHeader('content-type', 'application/json').end('{}')
}

test('prints its addresses, passes settings to the Collector, and stops when asked', async () => {
  const receiver = await listen(landed)
  await using run = await start({ TURNLOG_RECEIVER: `${receiver}/` }, ['--config', 'more.yaml'])
  await run.line('Ctrl-C')
  const queue = path.join(run.folder, 'state/turnlog/collector/queue')
  expect(run.output()).toContain(
    `Collector  http://127.0.0.1:${run.ports.http} (gRPC ${run.ports.grpc})`,
  )
  expect(run.output()).toContain(`Receiver   ${receiver}\n`)
  expect(run.output()).toContain(`Queue      ${queue}\n`)
  expect(run.output()).not.toContain('does not answer')
  expect(statSync(queue).mode & 0o777).toBe(0o700)

  const { args, told } = await run.told()
  expect(args).toEqual([
    ...['--config', path.join(root, 'otel-collector-config.yaml')],
    ...['--config', path.join(root, 'more.yaml')],
  ])
  expect(told).toMatchObject({
    TURNLOG_RECEIVER: receiver,
    TURNLOG_TOKEN: 'a-token',
    TURNLOG_COLLECTOR_HOST: '127.0.0.1',
    TURNLOG_COLLECTOR_HTTP_PORT: String(run.ports.http),
    TURNLOG_QUEUE_DIRECTORY: queue,
    TURNLOG_QUEUE_BYTES_MAX: expect.stringMatching(/^\d+$/),
  })
  expect(run.output()).not.toContain('a-token')

  run.child.kill('SIGINT')
  run.child.kill('SIGTERM')
  expect(await run.ended).toBe(0)
  expect(run.output()).toMatch(/Stopping\.\n$/)
  await expect(run.told()).rejects.toThrow()
})

test('a receiver that does not answer is reported, but the Collector starts', async () => {
  const port = await freePort()
  await using run = await start({ TURNLOG_RECEIVER: `http://127.0.0.1:${port}` })
  await run.line('The receiver does not answer (ECONNREFUSED): what arrives waits in the queue.')
  await run.line('Ctrl-C')
})

test('a repeated failure is reported once', async () => {
  await using run = await start()
  await run.line('Sending failed, and is tried again: refused')
  await run.told()
  await run.told()
  await expect.poll(() => run.logged().match(/Exporting failed/g)?.length).toBeGreaterThanOrEqual(6)
  expect(run.output().match(/Sending failed/g)).toHaveLength(1)
})

test('a disk that is too small for the queue’s limit is reported', async (context) => {
  const disk = mountDisk(context, 64)
  await using run = await start({ TURNLOG_QUEUE_DIRECTORY: disk.path })
  await run.line('Ctrl-C')
  expect((await run.told()).told.TURNLOG_QUEUE_BYTES_MAX).toBe('67108864')
  expect(run.output()).toContain(
    'The queue may fill its disk: it has 64 MiB for it, and TURNLOG_QUEUE_BYTES_MAX=67108864 is safe with 512.\n',
  )
})

test('the limit of the queue may be set', async () => {
  await using run = await start({ TURNLOG_QUEUE_BYTES_MAX: '67108865' })
  await run.line('Ctrl-C')
  expect((await run.told()).told.TURNLOG_QUEUE_BYTES_MAX).toBe('67108865')
})

const refusals = {
  'a token that is missing': [{ TURNLOG_TOKEN: ' ' }, /^TURNLOG_TOKEN is missing: .*token create/],
  'a port that is none': [
    { TURNLOG_COLLECTOR_HTTP_PORT: 'http' },
    /^TURNLOG_COLLECTOR_HTTP_PORT must be a port from 1 to 65535, not 'http'\.$/,
  ],
  'a queue that is too small for a large request': [
    { TURNLOG_QUEUE_BYTES_MAX: '1000000' },
    /^TURNLOG_QUEUE_BYTES_MAX must be a number of bytes from 67108864 to 3221225472, not '1000000'\.$/,
  ],
  'two ports that are one': [
    { TURNLOG_COLLECTOR_HTTP_PORT: '4000', TURNLOG_COLLECTOR_GRPC_PORT: '4000' },
    /^TURNLOG_COLLECTOR_GRPC_PORT and TURNLOG_COLLECTOR_HTTP_PORT must differ: both are 4000\.$/,
  ],
  'an address that is none': [
    { TURNLOG_COLLECTOR_HOST: 'localhost' },
    /^TURNLOG_COLLECTOR_HOST must be an IPv4 address to listen on, not 'localhost'\.$/,
  ],
  'a receiver that is none': [
    { TURNLOG_RECEIVER: 'ftp://x' },
    /^TURNLOG_RECEIVER must be an address such as http:\/\/127\.0\.0\.1:4320, not 'ftp:\/\/x'\.$/,
  ],
  'a program that is not there': [
    { TURNLOG_COLLECTOR_PROGRAM: '/nowhere/otelcol' },
    /^The Collector '\/nowhere\/otelcol' cannot be run: .*ENOENT/,
  ],
} as const satisfies Record<string, readonly [NodeJS.ProcessEnv, RegExp]>

test.each(Object.entries(refusals))(
  '%s is said in one line, with exit code 1',
  async (_name, [environment, line]) => {
    await using run = await start(environment)
    expect(await run.ended).toBe(1)
    expect(run.output().trimEnd()).toMatch(line)
  },
)

test('an invalid command line is reported in one line', async () => {
  await using run = await start({}, ['--confg', 'x.yaml'])
  expect(await run.ended).toBe(1)
  expect(run.output()).toBe(
    "'--confg x.yaml' cannot be read: npm run collector -- --config <file> [--config <file> …]\n",
  )
})

const answers = {
  'a receiver that refuses the token': [
    (_request, response) => {
      response.writeHead(401).end('{"code":16,"message":"The token is unknown, or was revoked."}')
    },
    'it answers 401: The token is unknown, or was revoked.',
  ],
  'a page of something else': [
    (_request, response) => {
      response.end('<html>Sign in to the Wi-Fi</html>')
    },
    'what answers there is no receiver.',
  ],
  'a redirect': [
    (_request, response) => {
      response.writeHead(301, { location: '/' }).end()
    },
    'it answers 301.',
  ],
} as const satisfies Record<string, readonly [RequestListener, string]>

test.each(Object.entries(answers))(
  '%s: nothing is started that would lose what it takes',
  async (_name, [answer, reason]) => {
    const receiver = await listen(answer)
    await using run = await start({ TURNLOG_RECEIVER: receiver })
    expect(await run.ended).toBe(1)
    expect(run.output()).toBe(
      `The receiver at ${receiver} does not take what TURNLOG_TOKEN sends: ${reason}\n`,
    )
  },
)

test('a port in use is reported, with the setting that chooses another', async () => {
  const taken = await listen(landed)
  const port = new URL(taken).port
  await using run = await start({ TURNLOG_COLLECTOR_HTTP_PORT: port })
  expect(await run.ended).toBe(1)
  expect(run.output()).toMatch(
    new RegExp(
      `^Port ${port} \\(TURNLOG_COLLECTOR_HTTP_PORT\\) is taken by .*: set TURNLOG_COLLECTOR_HTTP_PORT to a free one\\.\n$`,
    ),
  )
})

test('a queue folder that cannot be created is reported', async () => {
  using folder = temporaryFolder()
  writeFileSync(path.join(folder.path, 'queue'), '')
  await using run = await start({ TURNLOG_QUEUE_DIRECTORY: path.join(folder.path, 'queue') })
  expect(await run.ended).toBe(1)
  expect(run.output()).toMatch(/^The folder '.*queue' cannot be made: a file is in the way\.\n$/)
})

test('a queue in use by another Collector is reported', async () => {
  using folder = temporaryFolder()
  await using first = await start({ TURNLOG_QUEUE_DIRECTORY: folder.path })
  await first.line('Ctrl-C')
  await using second = await start({ TURNLOG_QUEUE_DIRECTORY: folder.path })
  expect(await second.ended).toBe(1)
  expect(second.output()).toBe(`Another npm run collector has the queue '${folder.path}'.\n`)
})

test('an invalid configuration is reported in the Collector’s own words', async () => {
  await using run = await start({}, ['--config=broken.yaml'])
  expect(await run.ended).toBe(1)
  expect(run.output()).toBe(
    'The configuration is not valid:\n    Error: exporters::otlp_http/jaeger: at least one endpoint must be specified\n',
  )
})

test('an unexpected end of the Collector is reported, with its last lines', async () => {
  await using run = await start({ STAND_IN: 'ends' })
  expect(await run.ended).toBe(1)
  expect(run.output()).toMatch(/The Collector \(process \d+\) ended unexpectedly: exit code 1\./)
  expect(run.output()).toContain('no space left on device')
})

test('without Go, and without another program, one line says what is missing and what to do instead', async () => {
  await using run = await start({
    TURNLOG_COLLECTOR_PROGRAM: '',
    PATH: path.dirname(process.execPath),
  })
  expect(await run.ended).toBe(1)
  expect(run.output()).toMatch(
    /^Building the Collector needs Go 1\.26 or newer .*none is installed\. .*docker compose up.*\n$/,
  )
})

async function start(environment: NodeJS.ProcessEnv = {}, args: readonly string[] = []) {
  const folder = temporaryFolder()
  const [grpc = 0, http = 0, health = 0, metrics = 0] = await freePorts(4)
  const child: ChildProcess = spawn(process.execPath, ['collector/start.js', ...args], {
    cwd: root,
    env: {
      ...bareEnvironment(),
      HOME: folder.path,
      XDG_STATE_HOME: path.join(folder.path, 'state'),
      XDG_CACHE_HOME: path.join(folder.path, 'cache'),
      TURNLOG_TOKEN: 'a-token',
      TURNLOG_RECEIVER: 'http://127.0.0.1:1',
      TURNLOG_COLLECTOR_PROGRAM: standIn,
      TURNLOG_COLLECTOR_GRPC_PORT: String(grpc),
      TURNLOG_COLLECTOR_HTTP_PORT: String(http),
      TURNLOG_COLLECTOR_HEALTH_PORT: String(health),
      TURNLOG_COLLECTOR_METRICS_PORT: String(metrics),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    if (stream)
      createInterface({ input: stream }).on('line', (line) => {
        output += `${line}\n`
      })
  }
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return {
    child,
    ended,
    folder: folder.path,
    ports: { grpc, http },
    output: () => output,
    logged: () =>
      readFileSync(path.join(folder.path, 'state/turnlog/collector/collector.log'), 'utf8'),
    line: (text: string) => expect.poll(() => output).toContain(text),
    async told(): Promise<{ args: string[]; told: Record<string, string> }> {
      const response = await fetch(`http://127.0.0.1:${health}/`)
      return (await response.json()) as { args: string[]; told: Record<string, string> }
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended
      folder[Symbol.dispose]()
    },
  }
}

async function listen(handler: RequestListener): Promise<string> {
  const server = createServer((request, response) => {
    request.resume()
    handler(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
