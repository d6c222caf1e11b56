/** Traces are also sent to a Jaeger. Whatever Jaeger does, records land, and clients notice nothing. */
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { post, span, traceRequest } from '../../test/support/otlp.ts'
import { expectAllOnce, openStage } from './support/stage.ts'

async function openWithJaeger(jaeger: string) {
  const stage = await openStage({
    overlays: ['collector/jaeger.yaml'],
    environment: { TURNLOG_JAEGER: jaeger },
  })
  await stage.collector.start()
  return stage
}

test('a running Jaeger gets each trace', async () => {
  const jaeger = await startJaeger()
  await using stage = await openWithJaeger(jaeger.url)
  const app = await stage.startApp()
  await app.chat('create a.txt with text')
  await expectAllOnce(stage, ['a.txt'])
  const [turn] = await stage.database.query<{ trace_id: string }>('select trace_id from turns')
  await expect.poll(() => jaeger.received().includes(turn?.trace_id ?? '-')).toBe(true)
})

const broken = {
  'is not there': async () => 'http://127.0.0.1:1',
  'takes connections and never answers': async () => (await startHanging()).url,
  'answers 500': async () => (await startJaeger(500)).url,
}

test.each(Object.entries(broken))('with a Jaeger that %s everything lands', async (_name, open) => {
  await using stage = await openWithJaeger(await open())
  const app = await stage.startApp()
  await app.chat('create a.txt with text')
  await app.chatOnSocket('create b.txt with text')
  await expectAllOnce(stage, ['a.txt', 'b.txt'])
})

/** Requests of 1 MiB. */
const sentMax = 200

test('an overflow of Jaeger’s queue does not affect clients, and does not delay the stop', async () => {
  const hanging = await startHanging()
  await using stage = await openWithJaeger(hanging.url)
  const { collector, receiver, database } = stage
  const target = { url: collector.url, token: receiver.token }
  const overflows = async (): Promise<number> =>
    (await collector.metric('otelcol_exporter_enqueue_failed_spans')) ?? 0
  // The queue has room for 32 MiB. The Collector drops requests that wait too long, so on a slow machine more are needed.
  let sent = 0
  for (; sent < 40 || (sent < sentMax && (await overflows()) === 0); sent += 1) {
    const filler = String(sent).padEnd(1024 ** 2, 'x')
    expect((await post(target, 'traces', traceRequest([span({ filler })]))).status).toBe(200)
  }
  await expect
    .poll(() => database.query('select count(*)::int as spans from spans'))
    .toEqual([{ spans: sent }])
  expect(await collector.metric('otelcol_receiver_refused_spans')).toBe(0)
  expect(await overflows()).toBeGreaterThan(0)
  expect(await collector.kill('SIGTERM')).toBe(0)
})

/** A stand-in that takes OTLP over HTTP, as Jaeger does. */
async function startJaeger(status = 200) {
  let received = ''
  const server = createHttpServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      received +=
        request.headers['content-encoding'] === 'gzip'
          ? gunzipSync(Buffer.concat(chunks)).toString('hex')
          : ''
      response.writeHead(status, { 'content-type': 'application/x-protobuf' }).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: () => received,
  }
}

/** Accepts connections, reads, and never answers. */
async function startHanging() {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.resume()
    onTestFinished(() => {
      socket.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}
