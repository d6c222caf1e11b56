/** Adopts what is dead in a destination's folder, once around, and says so. */
import * as path from 'node:path'
import { originalFs } from '../../src/file-system.ts'
import { ownLiveness } from '../../src/spool/liveness.ts'
import { openSpool } from '../../src/spool/spool.ts'
import { Adoption } from '../../src/worker/adopt.ts'

const [directory = '', own = ''] = process.argv.slice(2)
const adoption = new Adoption({
  fileSystem: originalFs,
  directory,
  ownFolder: path.join(directory, own),
  self: ownLiveness(),
  contentBytesMax: 1024 ** 2,
  inlineBytesMax: 128 * 1024,
  changes: undefined,
  spool: openSpool(originalFs),
  onSettled: () => undefined,
  onSealed: () => undefined,
})
process.stdout.write('begins now\n')
while (adoption.look() !== 'done') {
  // One piece after another.
}
process.stdout.write('adopted all\n')
setInterval(() => undefined, 60_000)
