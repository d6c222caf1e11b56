/**
 * `npm run test:models`: runs the apps of all packages, without and with the preload, and writes `outcomes.json` and
 * `docs/SUPPORT.md`. `npm run test:models -- openai` runs only those whose id has the word in it. What could not be run keeps its
 * outcome.
 */
import { existsSync, writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { supportPage } from '../ways/support-page.ts'
import {
  merged,
  type Outcomes,
  outcomesFile,
  type RunOutcome,
  readOutcomes,
  runAll,
} from './outcomes.ts'
import { runs } from './packages.ts'

const words = process.argv.slice(2)
const chosen = runs.filter(({ id }) => words.every((word) => id.includes(word)))
const known: Outcomes = existsSync(outcomesFile) ? readOutcomes() : {}
const outcomes = new Map<string, RunOutcome>()
console.log(`${chosen.length} of ${runs.length} runs`)
let failedCount = 0
await runAll(chosen, (id, outcome) => {
  if (outcome instanceof Error) {
    failedCount += 1
    console.log(`could not be run: ${id}: ${outcome.message}`)
    return
  }
  outcomes.set(id, outcome)
  const faults = Object.entries(outcome.notWhole)
  console.log(`${faults.length === 0 ? '●' : '○'} ${id}`)
  for (const [aspect, fault] of faults) console.log(`    ${aspect}: ${fault}`)
})
const written = merged(known, outcomes)
writeFileSync(outcomesFile, `${JSON.stringify(written, null, 2)}\n`)
writeFileSync(path.resolve(import.meta.dirname, '../../../docs/SUPPORT.md'), supportPage())
const notWhole = Object.values(written).filter((each) => Object.keys(each.notWhole).length > 0)
console.log(`${notWhole.length} of ${Object.keys(written).length} runs are not whole.`)
process.exit(notWhole.length + failedCount === 0 ? 0 : 1)
