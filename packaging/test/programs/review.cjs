// An app with review: fastify, the Changes routes and panel, `ws`, a worker thread, and calls of the API.
const { writeFileSync } = require('node:fs')
const path = require('node:path')
const { Worker } = require('node:worker_threads')
const fastify = require('fastify')
const { WebSocketServer } = require('ws')
const { fileOperation, toolCall, turn } = require('@turnlog/instrumentation')
const { changesRoutes } = require('@turnlog/instrumentation/changes')
const { panelRoutes } = require('./panel.cjs')

const app = fastify()
app.register(changesRoutes)
app.register(panelRoutes)

app.post('/edit', ({ body: { message } }) =>
  turn({ prompt: message, agent: 'reviewer' }, async (turn) => {
    const large = `${message}\n`.repeat(20_000)
    await toolCall({ name: 'write' }, () => writeFileSync('large-cjs.txt', large))
    await toolCall({ name: 'patch' }, async () =>
      fileOperation({ path: 'told-cjs.txt', before: 'one\n', after: 'two\n' }),
    )
    turn.answer('Edited.')
    return { answer: 'Edited.' }
  }),
)

const thread = new Worker(path.join(__dirname, 'thread.mjs'))
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

app.listen({ host: '127.0.0.1', port: 0 }).then(() => console.log(app.server.address().port))
process.on('SIGTERM', () => process.exit(0))
