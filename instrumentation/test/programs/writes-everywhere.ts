/** Writes where an agent's app may write, in one turn. */
import * as fs from 'node:fs'
import { inTurn } from './differential/in-turn.ts'

await inTurn(() => {
  fs.mkdirSync('.git/objects', { recursive: true })
  fs.mkdirSync('deep/node_modules/x', { recursive: true })
  fs.writeFileSync('kept.txt', 'kept')
  fs.writeFileSync('.git/objects/1', 'not kept')
  fs.writeFileSync('deep/node_modules/x/index.js', 'not kept')
  fs.writeFileSync(`${process.env.TELEMETRY_SPOOL_DIRECTORY}/note.txt`, 'not kept')
  fs.writeFileSync('../outside', 'by hash')
})
fs.writeFileSync('after.txt', 'outside of any turn')
