/**
 * Answers with its environment. Starts the command of `?run=` in a new process group, like an agent's command. With
 * STAND_IN_APP_HANGS it does not end when asked.
 */

import { spawn } from 'node:child_process'
import { createServer } from 'node:http'

const told = [
  'DATABASE_URL',
  'TELEMETRY_ENABLED',
  'TELEMETRY_ENDPOINT',
  'TELEMETRY_SPOOL_DIRECTORY',
  'TELEMETRY_TOKEN',
  'TELEMETRY_WORKSPACE',
  'EXAMPLE_MODEL_API',
  'EXAMPLE_WORKSPACE',
  'OPENAI_API_KEY',
  'NODE_CHANNEL_FD',
]

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(`http://localhost${request.url}`)
  if (pathname === '/run') {
    const command = spawn('/bin/sh', ['-c', searchParams.get('command') ?? ''], {
      detached: true,
      stdio: 'ignore',
    })
    return response.end(String(command.pid))
  }
  const environment = Object.fromEntries(told.map((name) => [name, process.env[name]]))
  return response.end(JSON.stringify({ pid: process.pid, environment }))
})
server.listen(Number(process.env.EXAMPLE_PORT), '127.0.0.1')
console.error('app: a word of trouble')
process.on('SIGTERM', () => {
  if (process.env.STAND_IN_APP_HANGS) return
  server.close(() => process.exit())
  server.closeAllConnections()
})
