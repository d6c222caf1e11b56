/** A stand-in for Claude Code: a program that writes a file and sends a span, as its environment says. */
import { once } from 'node:events'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { startProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

const claude = `#!${process.execPath}
const fs = require('node:fs')
fs.writeFileSync('by-agent.txt', 'text')
const { env } = process
const send = async () => {
  if (env.CLAUDE_CODE_ENABLE_TELEMETRY !== '1' || env.OTEL_TRACES_EXPORTER !== 'otlp') return
  const [name, value] = env.OTEL_EXPORTER_OTLP_HEADERS.split('=')
  await fetch(env.OTEL_EXPORTER_OTLP_ENDPOINT + '/v1/traces', {
    method: 'POST',
    headers: { [name]: decodeURIComponent(value) },
    body: env.TRACEPARENT,
  })
}
send().then(() => console.log(JSON.stringify(Object.keys(env).filter((name) => /^(CLAUDE|OTEL)_/.test(name)))))
`

async function runAgent(settings: Readonly<Record<string, string>>) {
  const received: { path: string | undefined; authorization: string | undefined; body: string }[] =
    []
  const receiver = http.createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    const { authorization } = request.headers
    if (request.url === '/v1/traces' && body.startsWith('00-')) {
      received.push({ path: request.url, authorization, body })
    }
    // Nothing of the app itself lands here.
    response.writeHead(503).end()
  })
  receiver.listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  using workspace = makeWorkspace()
  mkdirSync(path.join(workspace.folder, 'bin'))
  writeFileSync(path.join(workspace.folder, 'bin/claude'), claude)
  chmodSync(path.join(workspace.folder, 'bin/claude'), 0o755)
  await using host = startProgram('agent-child-host.ts', {
    cwd: workspace.folder,
    spool: workspace.spool,
    env: {
      TELEMETRY_ENDPOINT: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
      TELEMETRY_TOKEN: 'tlt_of the test',
      TELEMETRY_PROCESS_WAIT_MS_MAX: '10000',
      ...settings,
    },
  })
  const answer = await fetch(`http://127.0.0.1:${await host.line('port')}/chat`, {
    method: 'POST',
    body: '{"message":"work"}',
  })
  const variables: readonly string[] = await answer.json()
  await host.stop()
  receiver.closeAllConnections()
  receiver.close()
  return { received, variables, ...readRecorded(workspace.spool) }
}

test('an agent that is started in a request sends its spans to our endpoint, in the trace of the turn', async () => {
  const { received, spans } = await runAgent({ TELEMETRY_AGENT_CHILDREN: '1' })
  const turn = spans.find(({ name }) => name.startsWith('invoke_agent'))
  expect(received).toEqual([
    {
      path: '/v1/traces',
      authorization: 'Bearer tlt_of the test',
      body: `00-${turn?.traceId}-${turn?.spanId}-01`,
    },
  ])
  const file = spans.find(({ attributes }) => attributes['file.path'] === 'by-agent.txt')
  expect(file).toMatchObject({
    parentSpanId: turn?.spanId,
    attributes: { 'turnlog.file_operation.source': 'process' },
  })
})

test('what the app has set for the agent stays', async () => {
  const set = { OTEL_TRACES_EXPORTER: 'none', OTEL_LOG_USER_PROMPTS: '0' }
  const { received, variables } = await runAgent({
    TELEMETRY_AGENT_CHILDREN: '1',
    OF_CHILD: JSON.stringify(set),
  })
  expect(received).toEqual([])
  expect(variables).toContain('OTEL_LOG_TOOL_DETAILS')
})

test('without the setting nothing is added, and a request without a model call is no turn', async () => {
  const { received, variables, spans } = await runAgent({})
  expect({ received, variables, spans }).toEqual({ received: [], variables: [], spans: [] })
})
