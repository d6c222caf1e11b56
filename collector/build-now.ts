import { untilToldToStop } from '../start/told-to-stop.ts'
import { buildCollector } from './build.ts'
import { cacheDirectory } from './settings.ts'

/** Before `npm run test:collector`: builds the program, or says in one line why there is none. */
const built = await buildCollector({
  cacheDirectory: cacheDirectory(process.env),
  environment: process.env,
  say: console.log,
  signal: untilToldToStop('test:collector'),
})
if (built.status === 'failed') {
  console.error(built.reason)
  process.exit(1)
}
console.log(`The Collector is ${built.program}`)
process.exit(0)
