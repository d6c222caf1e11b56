/** Records changes, decides on one that other processes decide on too, then prints the number of failures. */

import { ChangeStore } from '../../../src/changes/store.ts'
import { bytesOf, changeOf } from '../change-of.ts'

const [directory = '', workspace = '', name = '', sharedOpId = '', count = '0'] =
  process.argv.slice(2)
const store = new ChangeStore({ directory })
let failed = 0
for (let index = 0; index < Number(count); index += 1) {
  const [before, after] = [`${name} ${index}`, 'the same in all']
  const change = changeOf(workspace, { opType: 'edit', path: `${name}.txt`, before, after })
  const contents = { before: bytesOf(before), after: bytesOf(after) }
  if (store.record(change, contents).status !== 'recorded') failed += 1
  const decidedAt = new Date().toISOString()
  const reason = `${name} ${index}`
  const decision = { type: 'accept', source: 'user', outcome: 'kept', decidedAt, reason } as const
  if (!store.decide(sharedOpId, decision)) failed += 1
  store.prune()
}
process.stdout.write(String(failed))
