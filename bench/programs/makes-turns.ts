/**
 * The example's agent, behind an HTTP server or without one. When everything is recorded and sent, it prints what that has cost.
 * With 0 turns it only starts, waits and ends.
 */
import { once } from 'node:events'
import * as fs from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Worker } from 'node:worker_threads'
import { createAgent } from '../../example/src/agent/agent.ts'
import { loadModel } from '../../example/src/agent/models/load-model.ts'
import { modelApis } from '../../example/src/agent/models/model.ts'
import { createToolbox } from '../../example/src/tools/toolbox.ts'
import { openWorkspace } from '../../example/src/tools/workspace.ts'
import type { TurnFigures } from '../turns.ts'
import { untilSent } from './until-sent.js'

const {
  BENCH_API = '',
  BENCH_WAY = '',
  BENCH_MODEL = '',
  BENCH_TURNS = '0',
  BENCH_CONTEXT = '0',
  TELEMETRY_SPOOL_DIRECTORY = '',
} = process.env
const turns = Number(BENCH_TURNS)
const warmUp = turns === 0 ? 0 : 20

const folder = fs.mkdtempSync(path.join(tmpdir(), 'turnlog-bench-turns-'))
process.chdir(folder)
const api = modelApis.find((each) => each === BENCH_API) ?? 'anthropic'
const words = 'A word of the context. '.repeat(Number(BENCH_CONTEXT) / 2 / 23)
const agent = createAgent({
  model: await loadModel(api, { name: 'scripted-model', apiKey: 'k', baseUrl: BENCH_MODEL }),
  systemPrompt: words,
  toolbox: createToolbox(await openWorkspace(folder)),
})
let count = 0

/** Five model calls, three edits and a look. */
async function makeTurn(): Promise<void> {
  count += 1
  const file = `notes-${count}.md`
  const outcome = await agent.answer({
    text: `create ${file} with "one milk" then replace milk with bread in ${file} then replace bread with tea in ${file} then list files`,
    history: [
      { role: 'user', text: words },
      { role: 'assistant', text: 'I have read it.' },
    ],
    signal: new AbortController().signal,
    onText: () => undefined,
  })
  if (outcome.status !== 'completed') throw new Error(`The turn is ${outcome.status}.`)
  const written = fs.readFileSync(path.join(folder, file), 'utf8')
  if (!written.includes('one tea')) throw new Error(`The file has: ${written}`)
}

const server = createServer((_request, response) => {
  makeTurn().then(
    () => response.end('done'),
    (error) => response.writeHead(500).end(String(error)),
  )
})

/** The client is a thread of its own, and its CPU is not the app's. */
async function overHttp(requests: number): Promise<void> {
  const { port } = server.address() as AddressInfo
  const client = new Worker(
    `const { workerData: { port, requests } } = require('node:worker_threads')
     const run = async () => {
       for (let index = 0; index < requests; index += 1) {
         const response = await fetch('http://127.0.0.1:' + port, { method: 'POST', body: '{"message":"bench"}' })
         if (response.status !== 200) throw new Error(await response.text())
         await response.text()
       }
     }
     run()`,
    { eval: true, execArgv: [], workerData: { port, requests } },
  )
  await once(client, 'exit')
}

async function withoutServer(requests: number): Promise<void> {
  for (let index = 0; index < requests; index += 1) await makeTurn()
}

const isServer = BENCH_WAY === 'server'
if (isServer) await once(server.listen(0, '127.0.0.1'), 'listening')
const work = isServer ? overHttp : withoutServer
if (warmUp > 0) await work(warmUp)
const delays = monitorEventLoopDelay({ resolution: 1 })
delays.enable()
const before = process.threadCpuUsage()
if (turns > 0) await work(turns)
delays.disable()
await untilSent(TELEMETRY_SPOOL_DIRECTORY)
const { user, system } = process.threadCpuUsage(before)
const figures: TurnFigures = { mainMs: (user + system) / 1_000, delayMaxMs: delays.max / 1e6 }
fs.writeSync(1, JSON.stringify(figures))
fs.rmSync(folder, { recursive: true, force: true })
process.exit(0)
