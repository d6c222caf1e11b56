/**
 * The scripted model's process: listens on a free port, sends its number to the parent process, and ends with the parent.
 * Started by hand it prints its address, for an app in another language.
 *
 * A Ctrl-C reaches the whole process group, but is ignored here: the parent may still need answers, and ends this process.
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
