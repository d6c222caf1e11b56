// The same as an ES module.
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import Anthropic from '@anthropic-ai/sdk'
import { decide, toolCall } from '@turnlog/instrumentation'

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
  await toolCall({ name: 'note' }, () => writeFileSync('notes-mjs.txt', `${message}\n`))
  response.end(JSON.stringify({ answer: answer.content, decide: typeof decide }))
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.on('SIGTERM', () => server.close(() => process.exit(0)))
