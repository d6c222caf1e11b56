/**
 * An app with one tool, which runs a way to change a file: `API` is its model, `OUTSIDE` a folder outside the workspace. It
 * sends itself one message per way, so each way is a turn of its own, and prints how each ended.
 */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import * as path from 'node:path'
import { promisify } from 'node:util'
import { ChangeStore } from '../../src/changes/store.ts'
import { findHandle } from '../../src/handle.ts'
import { waysById } from './all-ways.ts'
import { type Here, MissingInNode, type Way } from './way.ts'

const { API = '', OUTSIDE = '' } = process.env
const workspace = process.cwd()
const later: (() => Promise<void> | void)[] = []

/** Sends a request over `node:http`, because the bodies of Node 22's `fetch` are not observed. */
async function post(url: string, body: object): Promise<string> {
  const request = http.request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    agent: false,
  })
  request.end(JSON.stringify(body))
  const [response]: http.IncomingMessage[] = await once(request, 'response')
  let text = ''
  if (response === undefined) return text
  for await (const piece of response.setEncoding('utf8')) text += piece
  return text
}

async function ask(messages: readonly object[]): Promise<object[]> {
  const text = await post(`${API}/v1/messages`, { model: 'm', max_tokens: 9, messages })
  return JSON.parse(text).content
}

/** As a chat handler does it: the model asks for the tool, the tool runs, the model gets its result. */
async function chat(way: Way): Promise<string> {
  const asked = { role: 'user', content: way.id }
  const content = await ask([asked])
  const outcome = await runTool(way)
  const result = { type: 'tool_result', tool_use_id: `toolu_${way.id}`, content: outcome }
  await ask([asked, { role: 'assistant', content }, { role: 'user', content: [result] }])
  return outcome
}

async function runTool(way: Way): Promise<string> {
  const folder = path.join(workspace, way.id)
  const here: Here = {
    folder,
    outside: OUTSIDE,
    at: (name) => path.join(folder, name),
    afterTurn: (work) => later.push(work),
  }
  try {
    await way.run(here)
    return 'ok'
  } catch (error) {
    const isMissing = error instanceof MissingInNode
    return `${isMissing ? 'missing' : 'failed'}: ${error instanceof Error ? error.stack : error}`
  } finally {
    process.chdir(workspace)
  }
}

const warmUp: Way = {
  id: 'warm_up',
  by: 'a process',
  files: { 'a.txt': 'one\n' },
  expected: [],
  run: (here) => promisify(execFile)('sh', ['-c', 'echo more >> a.txt'], { cwd: here.folder }),
}

/**
 * The before of a process's change is known from the first look at the workspace, which takes place beside the app. An app
 * that has run for a second has it.
 */
async function untilLookedAt(): Promise<void> {
  prepare(warmUp)
  const changes = findHandle()?.changes
  if (changes === undefined) return
  const store = new ChangeStore({ directory: changes.directory })
  for (let tries = 0; tries < 100; tries += 1) {
    await post(`http://127.0.0.1:${port}/chat`, { message: warmUp.id })
    await changes.refresh()
    if (store.recent({ limit: 1 })[0]?.change.opType === 'edit') return
  }
}

function prepare({ id, files = {} }: Way): void {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(workspace, id, name)
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, content)
  }
  fs.mkdirSync(path.join(workspace, id), { recursive: true })
}

const server = http.createServer(async (request, response) => {
  let body = ''
  for await (const piece of request.setEncoding('utf8')) body += piece
  const { message } = JSON.parse(body)
  const way = message === warmUp.id ? warmUp : waysById.get(message)
  response.end(way === undefined ? 'failed: unknown' : await chat(way))
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo

const wanted = process.argv.slice(2)
const ways = [...waysById.values()].filter(({ id }) => wanted.length === 0 || wanted.includes(id))
for (const way of ways) prepare(way)
if (ways.some(({ source }) => source !== undefined)) await untilLookedAt()
for (const way of ways) {
  const outcome = await post(`http://127.0.0.1:${port}/chat`, { message: way.id })
  for (const work of later.splice(0)) await work()
  console.log(`way ${JSON.stringify([way.id, outcome])}`)
}
server.close()
// The worker gives what it has sealed to the Changes store. The reader seals the rest.
process.exit(0)
