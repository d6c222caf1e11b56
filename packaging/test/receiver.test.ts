/** The receiver as it is installed: on a PostgreSQL of its own and on another, with all it serves. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type InstalledReceiver, startReceiver } from './support/installed-receiver.ts'

const project = inject('project') ?? ''

describe.skipIf(project === '')('npx turnlog-receiver', () => {
  let receiver: InstalledReceiver

  beforeAll(async () => {
    receiver = await startReceiver(project, { data: 'data-of-its-own' })
  })
  afterAll(async () => {
    expect(await receiver?.stop()).toBe('')
  })

  test('on its embedded PostgreSQL lands, and serves its pages, Jaeger’s API and its description', async () => {
    await expectAll(receiver)
  })

  test('on the PostgreSQL of DATABASE_URL does the same', async () => {
    await receiver.query('create database other')
    const databaseUrl = receiver.databaseUrl.replace(/\/[^/?]*(\?|$)/, '/other$1')
    const other = await startReceiver(project, { data: 'data-of-none', databaseUrl })
    try {
      await expectAll(other)
    } finally {
      expect(await other.stop()).toBe('')
    }
  })

  test('says what is wrong in a line', async () => {
    await expect(receiver.command('purge')).rejects.toMatchObject({
      code: 1,
      // npm may have something to say before.
      stderr: expect.stringMatching(/^turnlog-receiver: Give the first day[^\n]+\n$/m),
    })
  })
})

async function expectAll(receiver: InstalledReceiver): Promise<void> {
  const { url, token, command } = receiver
  expect(await fetch(`${url}/api/v1/health/ready`)).toMatchObject({ status: 200 })

  const landed = await fetch(`${url}/api/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify([
      {
        type: 'ChatTurn',
        timestamp: new Date().toISOString(),
        sessionId: 'packed',
        userPrompt: 'Is it all there?',
        assistantFinal: 'All of it.',
        latencyMs: 10,
      },
    ]),
  })
  expect(landed.status).toBe(200)

  const description = await fetch(`${url}/openapi.json`)
  expect(await description.json()).toMatchObject({
    openapi: expect.stringMatching(/^3\./),
    paths: { '/v1/traces': expect.anything(), '/api/traces': expect.anything() },
  })

  const reader = await command('token', 'create', '--user', 'grafana', '--scope', 'read')
  const traces = await fetch(`${url}/api/v3/services`, {
    headers: { authorization: `Bearer ${reader}` },
  })
  expect(await traces.json()).toMatchObject({ services: [expect.any(String)] })

  const signedIn = await fetch(receiver.signInLink, { redirect: 'manual' })
  const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? ''
  const page = await fetch(url, { headers: { cookie } })
  const html = await page.text()
  expect(html).toContain('Is it all there?')
  for (const [file = ''] of html.matchAll(/(?<=(?:href|src)=")\/[^"]+\.(?:css|svg)/g)) {
    expect(await fetch(url + file)).toMatchObject({ status: 200 })
  }
}
