/**
 * The scripted model's process: listens on a free port, says which one to its parent, and ends with it. Started by hand
 * it prints where it listens, for an app in another language.
 *
 * A Ctrl-C reaches the whole process group; it is left to the parent, which may have answers under way.
 */

import { createScriptedModel } from './server.ts'

const pieceDelayMs = 20

const server = createScriptedModel({ pieceDelayMs })
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address === null || typeof address !== 'object') return
  if (process.send === undefined) console.log(`ANTHROPIC_BASE_URL=http://127.0.0.1:${address.port}`)
  else process.send({ port: address.port })
})

if (process.send !== undefined) {
  process.on('SIGINT', () => {})
  process.once('disconnect', () => process.exit(0))
}
