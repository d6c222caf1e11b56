/**
 * The scripted model's process: listens on a free port, says which one to its parent, and ends with it.
 *
 * A Ctrl-C reaches the whole process group; it is left to the parent, which may have answers under way.
 */

import { createScriptedModel } from './server.ts'

const pieceDelayMs = 20

const server = createScriptedModel({ pieceDelayMs })
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') process.send?.({ port: address.port })
})

process.on('SIGINT', () => {})
process.once('disconnect', () => process.exit(0))
