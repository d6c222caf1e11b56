/** A fastify 5 app: answers, errors, hooks, streams, aborts. */
import { Readable } from 'node:stream'
import fastify from 'fastify'
import { inTurn } from './in-turn.ts'

const app = fastify()
app.addHook('onResponse', async (request, reply) => console.log(request.url, reply.statusCode))
app.addHook('onError', async (_request, _reply, error) => console.log('error', error.message))
app.post('/echo', async (request) => ({ body: request.body, is: request.raw.constructor.name }))
app.get('/stream', (_request, reply) => reply.send(Readable.from(['a', 'b', 'c'])))
app.get('/throws', () => {
  throw new Error('thrown in a route')
})
app.get('/rejects', async () => {
  throw Object.assign(new Error('teapot'), { statusCode: 418 })
})
app.get('/raw', (_request, reply) => {
  reply.hijack()
  reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
  reply.raw.write('data: 1\n\n')
  reply.raw.end('data: 2\n\n')
})
const address = await app.listen({ port: 0, host: '127.0.0.1' })

async function all(): Promise<void> {
  for (const path of ['/stream', '/throws', '/rejects', '/raw', '/none']) {
    const answer = await fetch(address + path)
    console.log(path, answer.status, await answer.text())
  }
  for (const body of ['{"a":"é"}', '{"a":', '']) {
    const answer = await fetch(`${address}/echo`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    console.log(answer.status, await answer.text())
  }
  const injected = await app.inject({ method: 'POST', url: '/echo', payload: { in: 'jected' } })
  console.log(injected.statusCode, injected.body)
}

await all()
await inTurn(all)
await app.close()
