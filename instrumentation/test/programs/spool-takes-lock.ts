/** Takes the lock of a folder at a given moment, as the recorder in `own`; says whether it has it, and waits to be killed. */
import { originalFs } from '../../src/file-system.ts'
import { ownLiveness } from '../../src/spool/liveness.ts'
import { takeLock } from '../../src/spool/lock.ts'

const [folder = '', own = '', at = '0'] = process.argv.slice(2)
process.stdout.write('ready now\n')
const liveness = ownLiveness()
while (Date.now() < Number(at)) {
  // At the same millisecond as the others.
}
const isTaken = takeLock(originalFs, folder, { folder: own, liveness })
process.stdout.write(`lock ${isTaken ? 'taken' : 'refused'}\n`)
setInterval(() => undefined, 60_000)
