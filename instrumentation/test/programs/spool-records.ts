/**
 * A recorder in the folder `directory/name`, which says how many records it has given once the JavaScript turn that gave
 * them is over, and goes on until it is killed. Every tenth turn opens a span that is never ended.
 */
import * as path from 'node:path'
import { originalFs } from '../../src/file-system.ts'
import { Journal } from '../../src/journal/journal.ts'
import { ownLiveness } from '../../src/spool/liveness.ts'
import { writeIdentity } from '../../src/spool/recorder-folder.ts'

const [directory = '', recorder = ''] = process.argv.slice(2)
const folder = path.join(directory, recorder)
const journal = new Journal({
  directory: folder,
  recorder,
  fileSystem: originalFs,
  now: Date.now,
  after(ms, callback) {
    // Files of a fiftieth of a second, so that a kill meets every state.
    const timer = setTimeout(callback, ms / 50)
    return { cancel: () => clearTimeout(timer) }
  },
  onClosed: () => undefined,
  prepare() {
    originalFs.mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeIdentity(originalFs, folder, {
      recorder,
      session: 'a-session',
      startedAt: Date.now(),
      liveness: ownLiveness(),
      resource: {},
      common: {},
    })
  },
})

const scope = { name: 'a-program' }
let turns = 0

function record(): void {
  turns += 1
  for (let each = 0; each < 5; each += 1) {
    const body = `record ${turns}.${each} ${'x'.repeat((turns % 7) * 1_000)}`
    const log = { time: '1', observed: '1', body, attributes: {}, scope }
    journal.append({ k: 'log', log }, [['a:long', `${turns}.${each} `.repeat(500)]])
  }
  if (turns % 10 === 0) {
    const attributes = { 'gen_ai.operation.name': 'invoke_agent' }
    const id = `open ${turns}`
    const span = { traceId: id, spanId: id, name: id, kind: 0, start: '1', attributes, scope }
    journal.append({ k: 'start', id, span })
    journal.append({ k: 'content', id, x: 0, i: 1 }, [['turn.request', `{"message":"${id}"}`]])
  }
  // The turn is over, and what it recorded is written, before the next one begins.
  setImmediate(() => {
    process.stdout.write(`given ${journal.recorded}\n`)
    setImmediate(record)
  })
}
record()
