/** Answers the health check with its environment once the database answers. */

import { createServer } from 'node:http'
import pg from 'pg'

const client = new pg.Client({ connectionString: process.env.DATABASE_URL })
client.on('error', () => {})
await client.connect()
await client.query('create table if not exists starts (number serial)')
await client.query('insert into starts default values')
await client.end()

const server = createServer((request, response) => {
  if (request.url !== '/api/v1/health') return response.writeHead(404).end()
  const keys = Object.keys(process.env).filter((name) => name.endsWith('_API_KEY'))
  return response.end(JSON.stringify({ pid: process.pid, data: process.env.TURNLOG_DATA, keys }))
})
server.listen(Number(process.env.TURNLOG_RECEIVER_PORT), '127.0.0.1')
console.log('receiver listens')
process.on('SIGTERM', () => {
  console.log('receiver stops')
  server.close(() => process.exit())
  server.closeAllConnections()
})
