/**
 * The scripted model's process: listens on a free port, sends its number to the parent process, and ends with the parent.
 * Started by hand it prints its addresses, as the SDKs read them from the environment, for an app in another language.
 *
 * A Ctrl-C reaches the whole process group, but is ignored here: the parent may still need answers, and ends this process.
 */

import { baseUrlsAt } from './addresses.ts'
import { createScriptedModel } from './server.ts'

const pieceDelayMs = 20

const server = createScriptedModel({ pieceDelayMs })
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address === null || typeof address !== 'object') return
  if (process.send !== undefined) {
    process.send({ port: address.port })
    return
  }
  const { anthropic, openai, gemini } = baseUrlsAt(`http://127.0.0.1:${address.port}`)
  console.log(`ANTHROPIC_BASE_URL=${anthropic}`)
  console.log(`OPENAI_BASE_URL=${openai}`)
  console.log(`GOOGLE_GEMINI_BASE_URL=${gemini}`)
})

if (process.send !== undefined) {
  process.on('SIGINT', () => {})
  process.once('disconnect', () => process.exit(0))
}
