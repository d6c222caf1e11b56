/** Writes the file that a message names: in a process it ends then, as a thread it answers. */
import { writeFileSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'

process.once('message', (file) => {
  writeFileSync(String(file), 'new\n')
  process.disconnect()
})
parentPort?.on('message', (file) => {
  writeFileSync(file, 'new\n')
  parentPort?.postMessage('done')
})
