/**
 * An agent without a server. `PROMPTS` (a JSON array) are what its user asks; `WAY` says how it is asked: one after the other in one
 * conversation (`repl`), all at once (`jobs`), or each in a thread (`worker`, or `pool`, which stops it) or process (`fork`) of its own. Knows nothing of telemetry.
 */
import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { finished } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import Anthropic from '@anthropic-ai/sdk'

const {
  WAY = 'repl',
  CLIENT = 'fetch',
  API = '',
  TITLE,
  LOG,
  REMINDER,
  TEMPLATES = '',
  PROMPTS = '[]',
} = process.env
const instructions = 'You are an agent.'

interface Block {
  readonly type: string
  readonly id: string
  readonly name: string
  readonly text: string
  readonly input: {
    readonly path: string
    readonly content: string
    readonly command?: string
    readonly prompt?: string
  }
}

type Messages = { role: string; content: unknown }[]

const client = new Anthropic({ apiKey: 'k', baseURL: API, maxRetries: 2 })

async function ask(messages: Messages, system = instructions): Promise<Block[]> {
  const body = { model: 'm', max_tokens: 9, system, messages }
  if (CLIENT === 'sdk') return (await client.messages.create(body as never)).content as never
  for (let left = 2; ; left -= 1) {
    const response = await fetch(`${API}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const { content } = (await response.json()) as { content: Block[] }
    if (response.ok) return content
    if (left === 0) throw new Error('no answer')
  }
}

async function run({ name, input }: Block): Promise<string> {
  if (LOG !== undefined) await keep(LOG, name)
  if (name === 'bring') return bring()
  if (name === 'ask_helper') return converse(input.prompt ?? '', [], 'You are a helper.')
  if (input.command !== undefined) execFileSync('sh', ['-c', input.command])
  else fs.writeFileSync(input.path, input.content)
  await promisify(setImmediate)()
  return 'written'
}

/** Files and folders come into the workspace from outside, and leave it. */
function bring(): string {
  const at = (name: string): string => path.join(TEMPLATES, name)
  fs.cpSync(at('template'), 'copied', { recursive: true })
  fs.renameSync(at('two.txt'), 'two.txt')
  fs.renameSync(at('template'), 'moved')
  fs.renameSync('two.txt', at('two.txt'))
  fs.renameSync('copied', at('copied'))
  return 'brought'
}

/** What an agent keeps of itself, in all the ways to write a file. */
async function keep(folder: string, name: string): Promise<void> {
  fs.appendFileSync(path.join(folder, 'log.txt'), `${name}\n`)
  const descriptor = fs.openSync(path.join(folder, 'output.txt'), 'w')
  execFileSync('echo', [name], { stdio: ['ignore', descriptor, 'ignore'] })
  fs.closeSync(descriptor)
  await finished(fs.createWriteStream(path.join(folder, 'stream.txt')).end(name))
  fs.writeFileSync(path.join(folder, 'state.tmp'), name)
  fs.renameSync(path.join(folder, 'state.tmp'), path.join(folder, 'state.json'))
  fs.mkdirSync(path.join(folder, 'new'))
  fs.writeFileSync(path.join(folder, 'new', 'entry.txt'), name)
  fs.renameSync(path.join(folder, 'new'), path.join(folder, 'kept'))
  fs.cpSync(path.join(folder, 'kept'), path.join(folder, 'copied'), { recursive: true })
  fs.rmSync(path.join(folder, 'copied'), { recursive: true })
}

async function converse(prompt: string, messages: Messages = [], system = instructions) {
  const title = system === instructions ? TITLE : undefined
  const embedded = [{ role: 'user', content: `A title for: ${prompt}` }]
  if (title === 'before') await ask(embedded, 'You make titles.')
  const context = { type: 'text', text: `<context>\n${REMINDER}\n</context>` }
  const text = { type: 'text', text: prompt }
  messages.push({ role: 'user', content: REMINDER === undefined ? prompt : [context, text] })
  for (;;) {
    const content = await ask(messages, system)
    messages.push({ role: 'assistant', content })
    const uses = content.filter(({ type }) => type === 'tool_use')
    if (uses.some(({ name }) => name === 'finish')) return 'finished'
    if (uses.length === 0) {
      if (title === 'after') await ask(embedded, 'You make titles.')
      return content.map(({ text }) => text).join('')
    }
    const results: unknown[] = []
    for (const use of uses) {
      results.push({ type: 'tool_result', tool_use_id: use.id, content: await run(use) })
    }
    messages.push({ role: 'user', content: results })
  }
}

const prompts: string[] = isMainThread
  ? JSON.parse(process.argv[2] ?? PROMPTS)
  : [workerData as string]
const file = new URL(import.meta.url)
if (!isMainThread || process.argv[2] !== undefined) {
  await converse(prompts[0] ?? '')
  // A worker of a pool waits for the next job.
  if (WAY === 'pool') parentPort?.on('message', () => undefined).postMessage('done')
} else if (WAY === 'jobs') await Promise.all(prompts.map((prompt) => converse(prompt)))
else if (WAY === 'worker') {
  await Promise.all(prompts.map((workerData) => once(new Worker(file, { workerData }), 'exit')))
} else if (WAY === 'pool') {
  await Promise.all(
    prompts.map(async (workerData) => {
      const worker = new Worker(file, { workerData })
      await once(worker, 'message')
      await worker.terminate()
    }),
  )
} else if (WAY === 'fork') {
  await Promise.all(prompts.map((prompt) => once(fork(file, [JSON.stringify([prompt])]), 'exit')))
} else {
  const messages: Messages = []
  for (const prompt of prompts) {
    console.log(`answer ${await converse(prompt, messages)}`)
    if (WAY === 'slow') await sleep(2_500)
  }
}
