/** A localhost app whose chat route lets an agent, a child process named `claude`, work in its folder. Knows nothing of telemetry. */
import { execFile } from 'node:child_process'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import * as path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const env = { ...process.env, ...JSON.parse(process.env.OF_CHILD ?? '{}') }

const server = http.createServer(async (request, response) => {
  for await (const _ of request);
  const { stdout } = await run(path.resolve('bin/claude'), ['--print'], { env })
  response.end(stdout)
})
process.on('SIGTERM', () => process.exit(0))
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`))
