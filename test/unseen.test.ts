/**
 * An app that speaks to a model that is not understood: all its records land, and wherever that is said, it is said beside it
 * that there was work which none of them shows.
 */
import { once } from 'node:events'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSignInLink } from '@turnlog/receiver/storage'
import { expect, test } from 'vitest'
import { startProgram } from '../instrumentation/test/support/observed-program.ts'
import { makeWorkspace } from '../instrumentation/test/support/workspace.ts'
import { useBrowser } from './support/browser.ts'
import { withReceiver } from './support/receiver.ts'

const browser = useBrowser()
const patience = { timeout: 20_000, interval: 100 }

async function startModel() {
  const server = http.createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end('data: {"choices":[{"delta":{"content":"Hello"}}]}\n\n')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]: () => void server.close(),
  }
}

test('what landed never stands alone beside what was not seen', async () => {
  const { database, receiver } = await withReceiver()
  using model = await startModel()
  using workspace = makeWorkspace()
  const request = { client: 'fetch', type: 'application/json' }
  await using _app = startProgram('unseen-host.ts', {
    cwd: workspace.folder,
    spool: workspace.spool,
    env: {
      TELEMETRY_ENDPOINT: receiver.url,
      TELEMETRY_TOKEN: receiver.token,
      OTEL_SERVICE_NAME: 'agent',
      SERVER: model.url,
      REQUESTS: JSON.stringify([
        { ...request, path: '/v1/chat', body: { messages: [{ role: 'user', content: 'hi' }] } },
        { ...request, path: '/v1/chat', body: { messages: [{ role: 'user', content: 'hm' }] } },
        { ...request, path: '/v2/run/4711', body: { q: 'hi' } },
      ]),
      FILES: JSON.stringify(['made-by-the-agent.txt']),
      STAYS: '1',
    },
  })
  const completeness = () =>
    database.query(
      'select recorded, landed, missing, unseen, unseen_by_reason from session_completeness',
    )
  await expect.poll(completeness, patience).toEqual([
    {
      recorded: 7,
      landed: 7,
      missing: 0,
      unseen: 5,
      unseen_by_reason: { model_traffic: 3, workspace_change: 2 },
    },
  ])
  expect(
    await database.query(
      'select at_start, not_bound, versions from self_checks order by checked_at',
    ),
  ).toEqual([
    { at_start: true, not_bound: null, versions: expect.stringContaining('"node"') },
    { at_start: false, not_bound: null, versions: expect.stringContaining('"openai"') },
  ])

  const link = await createSignInLink(database, { baseUrl: receiver.url })
  const page = await browser.open(link, { viewport: { width: 1_000, height: 700 } })
  await page.goto(`${receiver.url}/sessions`)
  expect(await page.locator('.completeness tbody td').allInnerTexts()).toEqual([
    '7',
    '7',
    '0',
    '0',
    '0',
    '5',
  ])
  expect(await page.locator('.unseen').innerText()).toContain('5 not seen')
  await page.locator('.self-check summary').click()
  expect(await page.locator('.self-check').innerText()).toContain(process.versions.node)
})
