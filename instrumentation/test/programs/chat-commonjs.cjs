/** A chat app in CommonJS, over HTTP and WebSockets, whose client is made before anything connects. */
const http = require('node:http')
const { Anthropic } = require('@anthropic-ai/sdk')
const { WebSocketServer } = require('ws')

const client = new Anthropic({ apiKey: 'k', baseURL: process.env.API ?? '' })

/** @param {string} content */
async function answer(content) {
  const { content: blocks } = await client.messages.create({
    model: 'claude-test',
    max_tokens: 10,
    messages: [{ role: 'user', content }],
  })
  return JSON.stringify(blocks)
}

const server = http.createServer(async (request, response) => {
  let body = ''
  for await (const piece of request) body += piece
  response.end(await answer(JSON.parse(body).message))
})
new WebSocketServer({ server }).on('connection', (socket) => {
  socket.on('message', async (data) => {
    const { text, id } = JSON.parse(String(data))
    socket.send(JSON.stringify({ id, answer: await answer(text) }))
  })
})
process.on('SIGTERM', () => process.exit(0))
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object') console.log(`port ${address?.port}`)
})
