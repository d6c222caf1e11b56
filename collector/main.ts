import { untilToldToStop } from '../start/told-to-stop.ts'
import { runCollector } from './run.ts'
import { readCollectorSettings } from './settings.ts'

/** `npm run collector`: settings, then the Collector until it is told to stop. */

// A console that is gone is no reason to leave anything running.
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
  signal: untilToldToStop('collector'),
})
process.exit(exitCode)
