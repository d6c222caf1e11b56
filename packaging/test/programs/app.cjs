// A small CommonJS app. Each message is one turn, with one model call and one file.
const { createServer } = require('node:http')
const { writeFileSync } = require('node:fs')
const Anthropic = require('@anthropic-ai/sdk').default
const { decide, toolCall } = require('@turnlog/instrumentation')

const client = new Anthropic({ apiKey: 'none' })
const server = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  const { message } = JSON.parse(body)
  const answer = await client.messages.create({
    model: 'scripted',
    max_tokens: 100,
    messages: [{ role: 'user', content: message }],
  })
  await toolCall({ name: 'note' }, () => writeFileSync('notes-cjs.txt', `${message}\n`))
  response.end(JSON.stringify({ answer: answer.content, decide: typeof decide }))
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.on('SIGTERM', () => server.close(() => process.exit(0)))
