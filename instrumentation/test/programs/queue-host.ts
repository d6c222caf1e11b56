/**
 * A chat app that queues its work. `QUEUE` names the queue, `AT_ONCE` how many jobs run at one time. Some queues run a job in the
 * async context of whoever woke them: another user's. Knows nothing of telemetry.
 */
import { execFile } from 'node:child_process'
import * as fs from 'node:fs'
import * as http from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import Anthropic from '@anthropic-ai/sdk'

const require = createRequire(import.meta.url)
const { QUEUE = 'none', AT_ONCE = '1', API = '' } = process.env
const atOnce = Number(AT_ONCE)
/** A context of so many characters. */
const system = 'x'.repeat(Number(process.env.CONTEXT ?? 1))

type Work = () => Promise<string>
type Run = (work: Work) => Promise<string>

const queues: Record<string, () => Run> = {
  none: () => (work) => work(),
  async() {
    const { queue } = require('async')
    const jobs = queue(
      (work: Work, done: (error: unknown, answer?: string) => void) =>
        void work().then((answer) => done(null, answer), done),
      atOnce,
    )
    return (work) =>
      new Promise((resolve, reject) =>
        jobs.push(work, (error: unknown, answer: string) =>
          error ? reject(error) : resolve(answer),
        ),
      )
  },
  fastq() {
    const jobs = require('fastq').promise((work: Work) => work(), atOnce)
    return (work) => jobs.push(work)
  },
  bottleneck() {
    const Bottleneck = require('bottleneck')
    const limiter = new Bottleneck({ maxConcurrent: atOnce })
    return (work) => limiter.schedule(work)
  },
  rxjs() {
    const { Subject, mergeMap } = require('rxjs')
    const jobs = new Subject()
    jobs.pipe(mergeMap((job: () => Promise<void>) => job(), atOnce)).subscribe()
    return (work) => new Promise((resolve, reject) => jobs.next(() => work().then(resolve, reject)))
  },
  bluebird() {
    const Bluebird = require('bluebird')
    let last = Bluebird.resolve()
    return (work) => {
      const answer = last.then(() => work())
      last = answer.catch(() => undefined)
      return answer
    }
  },
}

interface Content {
  readonly type: string
  readonly id: string
  readonly text: string
  readonly input: { readonly path: string; readonly content: string; readonly command?: string }
}

const client = new Anthropic({ apiKey: 'k', baseURL: API, maxRetries: 0 })

async function ask(messages: readonly unknown[]): Promise<Content[]> {
  if (process.env.CLIENT === 'sdk') {
    const message = await client.messages.create({ model: 'm', max_tokens: 9, messages } as never)
    return message.content as never
  }
  const response = await fetch(`${API}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', max_tokens: 9, system, messages }),
  })
  const { content } = (await response.json()) as { content: Content[] }
  return content
}

async function converse(message: string): Promise<string> {
  const messages: unknown[] = [{ role: 'user', content: message }]
  for (;;) {
    const content = await ask(messages)
    messages.push({ role: 'assistant', content })
    const uses = content.filter(({ type }) => type === 'tool_use')
    if (uses.length === 0) return content.map(({ text }) => text).join('')
    const results: unknown[] = []
    for (const { id, input } of uses) {
      if (input.command === undefined) fs.writeFileSync(input.path, input.content)
      else await promisify(execFile)('sh', ['-c', input.command])
      results.push({ type: 'tool_result', tool_use_id: id, content: 'written' })
    }
    messages.push({ role: 'user', content: results })
  }
}

const run = queues[QUEUE]?.()
if (run === undefined) throw new Error(`No queue ${QUEUE}`)
const server = http.createServer((request, response) => {
  let body = ''
  request.on('data', (piece) => (body += piece))
  request.on('end', () => {
    const { message } = JSON.parse(body)
    run(() => converse(message)).then(
      (answer) => response.end(answer),
      (error) => response.writeHead(500).end(String(error)),
    )
  })
})
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`))
process.on('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
})
