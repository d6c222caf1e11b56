#!/usr/bin/env node
/**
 * A stand-in for the Collector: supports `validate`, answers on its health port, logs its settings, ends when asked.
 * With STAND_IN=ends it ends without being asked.
 */
import { createServer } from 'node:http'

const { STAND_IN = '', TURNLOG_COLLECTOR_HEALTH_PORT } = process.env
const args = process.argv.slice(2)
const isValidating = args[0] === 'validate'

if (isValidating) {
  if (args.some((argument) => argument.includes('broken'))) {
    console.error('Error: exporters::otlp_http/jaeger: at least one endpoint must be specified')
    process.exit(1)
  }
  process.exit(0)
}
/** @type {(level: string, message: string, fields?: object) => void} */
const log = (level, message, fields = {}) => {
  console.error(
    `2026-01-01T00:00:00.000Z\t${level}\tfile.go:1\t${message}\t${JSON.stringify(fields)}`,
  )
}
log('info', 'Starting turnlog-collector...')
if (STAND_IN === 'ends') {
  console.error('Error: cannot start pipelines: no space left on device')
  process.exit(1)
}
process.on('SIGTERM', () => process.exit(0))
const told = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => name.startsWith('TURNLOG_')),
)
createServer((_request, response) => {
  log('info', 'Exporting failed. Will retry the request after interval.', { error: 'refused' })
  log('info', 'Exporting failed. Will retry the request after interval.', { error: 'refused' })
  response.end(JSON.stringify({ args, told }))
}).listen(Number(TURNLOG_COLLECTOR_HEALTH_PORT), '127.0.0.1')
