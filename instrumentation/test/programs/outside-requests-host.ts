/**
 * A server whose requests are answered by a worker that was started before them, and that keeps a file of its own. `BACKGROUND` is
 * what an agent of its own is asked meanwhile. Knows nothing of telemetry.
 */
import * as fs from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

interface Job {
  readonly message: string
  readonly done: (answer: string) => void
}

interface Block {
  readonly type: string
  readonly id: string
  readonly text: string
  readonly input: { readonly path: string }
}

const { API = '', BACKGROUND } = process.env
const jobs: Job[] = []

async function converse(prompt: string): Promise<string> {
  const messages: { role: string; content: unknown }[] = [{ role: 'user', content: prompt }]
  for (;;) {
    const response = await fetch(`${API}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', max_tokens: 9, messages }),
    })
    const { content } = (await response.json()) as { content: Block[] }
    messages.push({ role: 'assistant', content })
    const uses = content.filter(({ type }) => type === 'tool_use')
    if (uses.length === 0) return content.map(({ text }) => text).join('')
    fs.writeFileSync('state-of-the-server.json', String(jobs.length))
    for (const { input } of uses) fs.writeFileSync(input.path, prompt)
    const results = uses.map(({ id }) => ({ type: 'tool_result', tool_use_id: id, content: 'ok' }))
    messages.push({ role: 'user', content: results })
  }
}

async function work(): Promise<never> {
  for (;;) {
    const job = jobs.shift()
    if (job === undefined) await sleep(5)
    else void converse(job.message).then(job.done)
  }
}

const firstRequest = Promise.withResolvers<void>()
const background =
  BACKGROUND === undefined ? undefined : firstRequest.promise.then(() => converse(BACKGROUND))

const server = http.createServer(async (request, response) => {
  const { message } = JSON.parse(await text(request))
  const done = async (answer: string): Promise<void> => {
    await background
    response.end(JSON.stringify({ answer }))
  }
  jobs.push({ message, done })
  firstRequest.resolve()
})
server.listen(0, '127.0.0.1', () => {
  console.log(`port ${(server.address() as AddressInfo).port}`)
})
void work()
process.on('SIGTERM', () => process.exit())
