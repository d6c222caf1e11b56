/** Tries impossible file operations, as a tool may, and prints the errors it caught. */
import * as fs from 'node:fs'
import { inTurn } from './differential/in-turn.ts'

await inTurn(() => {
  const tries = [
    () => fs.writeFileSync('no/where', 'x'),
    () => fs.renameSync('no', 'where'),
    () => fs.writeFileSync('a-file', undefined as never),
    () => fs.writeFile('a-file', 'x', { flag: 'q' }, () => undefined),
  ]
  for (const refused of tries) {
    try {
      refused()
    } catch (error) {
      console.log(error)
    }
  }
})
