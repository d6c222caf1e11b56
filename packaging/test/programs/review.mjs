// The same as an ES module.
import { writeFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { fileOperation, toolCall, turn } from '@turnlog/instrumentation'
import { changesRoutes } from '@turnlog/instrumentation/changes'
import fastify from 'fastify'
import { WebSocketServer } from 'ws'
import { panelRoutes } from './panel.cjs'

const app = fastify()
await app.register(changesRoutes)
await app.register(panelRoutes)

app.post('/edit', ({ body: { message } }) =>
  turn({ prompt: message, agent: 'reviewer' }, async (turn) => {
    const large = `${message}\n`.repeat(20_000)
    await toolCall({ name: 'write' }, () => writeFileSync('large-mjs.txt', large))
    await toolCall({ name: 'patch' }, async () =>
      fileOperation({ path: 'told-mjs.txt', before: 'one\n', after: 'two\n' }),
    )
    turn.answer('Edited.')
    return { answer: 'Edited.' }
  }),
)

const thread = new Worker(new URL('thread.mjs', import.meta.url))
app.post('/thread', ({ body: { message } }) => {
  thread.postMessage(message)
  return new Promise((resolve) => thread.once('message', resolve))
})

new WebSocketServer({ server: app.server }).on('connection', (socket) => {
  socket.on('message', async (data) => {
    await turn({ prompt: String(data) }, async (turn) => turn.answer('Heard.'))
    socket.send('Heard.')
  })
})

await app.listen({ host: '127.0.0.1', port: 0 })
console.log(app.server.address().port)
process.on('SIGTERM', () => process.exit(0))
