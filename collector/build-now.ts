import { untilStopRequested } from '../start/stop-request.ts'
import { buildCollector } from './build.ts'
import { cacheDirectory } from './settings.ts'

/** Runs before `npm run test:collector`: builds the program, or prints in one line why that failed. */
const built = await buildCollector({
  cacheDirectory: cacheDirectory(process.env),
  environment: process.env,
  say: console.log,
  signal: untilStopRequested('test:collector'),
})
if (built.status === 'failed') {
  console.error(built.reason)
  process.exit(1)
}
console.log(`The Collector is ${built.program}`)
process.exit(0)
