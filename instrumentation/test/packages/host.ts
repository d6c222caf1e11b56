/**
 * Runs one app behind an HTTP server: a request is a turn. After one answer the server closes, and the process must end by
 * itself. Knows nothing of telemetry.
 */
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pathToFileURL } from 'node:url'
import type { App } from './app.ts'
import { scenario } from './scenario.ts'
import { DiskFull, failures } from './situations.ts'

const {
  APP = '',
  FOLDER = '',
  LOADER = '',
  API = '',
  HTTP2_API = '',
  STREAMED,
  FIRST,
  SITUATION,
} = process.env

const { app }: { readonly app: App } = await import(`./apps/${APP}.ts`)
const { load } = await import(pathToFileURL(`${FOLDER}/${LOADER}`).href)
// As an app that imports its packages at its start.
for (const name of FIRST?.split(' ') ?? []) await load(name)

const stop = new AbortController()

const server = createServer(async (request, response) => {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece)
  response.setHeader('connection', 'close')
  response.setHeader('content-type', 'application/json')
  if (request.url === '/stop') {
    stop.abort()
    response.end('{}')
    return
  }
  try {
    const { message } = JSON.parse(Buffer.concat(pieces).toString())
    const answer = await app({
      api: API,
      http2Api: HTTP2_API,
      isStreamed: STREAMED === '1',
      prompt: message,
      retries: SITUATION === 'retry' ? 2 : 0,
      signal: stop.signal,
      load,
      async writeFile({ path, text }) {
        if (SITUATION === 'failing tool') throw new DiskFull(failures.tool)
        await writeFile(path, text)
        return scenario.result
      },
    })
    response.end(JSON.stringify({ answer }))
  } catch (error) {
    // Paths and lines of stacks differ under a preload.
    if (stop.signal.aborted) response.end(JSON.stringify({ answer: 'stopped' }))
    else {
      response.statusCode = 500
      response.end(JSON.stringify({ error: String(error) }))
      console.error(String(error))
    }
  }
  server.close()
})
server.listen(0, '127.0.0.1', () => {
  console.log(`port ${(server.address() as AddressInfo).port}`)
})
