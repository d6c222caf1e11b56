import { untilStopRequested } from '../start/stop-request.ts'
import { runCollector } from './run.ts'
import { readCollectorSettings } from './settings.ts'

/** `npm run collector`: reads the settings, then runs the Collector until it is asked to stop. */

// A closed console must not leave the Collector running.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

const read = readCollectorSettings(process.env, process.argv.slice(2))
if (read.status === 'invalid') {
  console.error(read.reason)
  process.exit(1)
}
const exitCode = await runCollector({
  settings: read.settings,
  environment: process.env,
  say: (line, kind) => (kind === 'problem' ? console.error(line) : console.log(line)),
  signal: untilStopRequested('collector'),
})
process.exit(exitCode)
