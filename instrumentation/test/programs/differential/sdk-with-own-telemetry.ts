/** The same with an SDK that traces itself: its spans are the host's. */
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import { DiagConsoleLogger, diag } from '@opentelemetry/api'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { inTurn } from './in-turn.ts'

diag.setLogger(new DiagConsoleLogger(), 50)
const early = new Anthropic({ apiKey: 'k', baseURL: 'http://127.0.0.1:1', maxRetries: 0 })
const names: string[] = []
new NodeSDK({
  autoDetectResources: false,
  spanProcessors: [
    {
      onStart: () => undefined,
      onEnd: (span) => names.push(`${span.name} ${span.parentSpanContext === undefined}`),
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
    },
  ],
  logRecordProcessors: [],
  metricReaders: [],
}).start()

const api = http.createServer((request, response) => {
  console.log(request.headers.traceparent?.length)
  request.resume().on('end', () => {
    response.setHeader('content-type', 'application/json')
    response.end('{"id":"m","type":"message","role":"assistant","content":[],"usage":{}}')
  })
})
api.listen(0, '127.0.0.1', async () => {
  const baseURL = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
  const late = new Anthropic({ apiKey: 'k', baseURL })
  const request = { model: 'm', max_tokens: 1, messages: [{ role: 'user' as const, content: 'q' }] }
  await inTurn(async () => {
    await late.messages.create(request)
    await early.messages.create(request).catch((error) => console.log(error.constructor.name))
  })
  console.log(names)
  api.closeAllConnections()
  api.close()
})
