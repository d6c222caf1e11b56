/** `npm start` with stand-ins for the receiver and the app. */

import { join } from 'node:path'
import { readStartSettings } from '../../start/settings.ts'
import { untilStopRequested } from '../../start/stop-request.ts'
import { runTurnlog } from '../../start/turnlog.ts'

const folder = join(import.meta.dirname, '../..')
const preload = import.meta.resolve('../../start/ends-with-parent.js')
const program = (name: string): [string, ...string[]] => [
  process.execPath,
  ...['--import', preload],
  join(import.meta.dirname, name),
]

const read = readStartSettings(process.env)
if (read.status === 'invalid') {
  console.error(read.reason)
  process.exit(1)
}
const exitCode = await runTurnlog({
  settings: read.settings,
  commands: { receiver: program('receiver.ts'), example: program('app.ts') },
  openAccess: async ({ receiverUrl }) => ({
    isIngestToken: async ({ token, user }) => token === `token-of-${user}`,
    createIngestToken: async ({ user }) => `token-of-${user}`,
    signInLink: async () => `${receiverUrl}/sign-in/once`,
    close: async () => {},
  }),
  environment: process.env,
  folder,
  say: (line, kind) => (kind === 'problem' ? console.error(line) : console.log(line)),
  signal: untilStopRequested('start'),
})
process.exit(exitCode)
