import { join } from 'node:path'
import { openReceiverAccess } from './receiver-access.ts'
import { readStartSettings } from './settings.ts'
import { untilStopRequested } from './stop-request.ts'
import { runTurnlog } from './turnlog.ts'

/** `npm start`: reads the settings, then runs all of Turnlog until it is asked to stop. */

const folder = join(import.meta.dirname, '..')
const preload = import.meta.resolve('./ends-with-parent.js')

// A closed console (a closed terminal, `npm start | head`) must not leave children running.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

const read = readStartSettings(process.env)
if (read.status === 'invalid') {
  console.error(read.reason)
  process.exit(1)
}
const exitCode = await runTurnlog({
  settings: read.settings,
  commands: {
    receiver: [process.execPath, '--import', preload, 'receiver/src/main.ts'],
    example: [
      process.execPath,
      ...['--import', preload],
      ...['--import', '@turnlog/instrumentation/register'],
      'example/src/main.ts',
    ],
  },
  openAccess: openReceiverAccess,
  environment: process.env,
  folder,
  say: (line, kind) => (kind === 'problem' ? console.error(line) : console.log(line)),
  signal: untilStopRequested('start'),
})
process.exit(exitCode)
