/**
 * `npm run test:agents`: runs the command-line agents, without and with the preload, and writes `outcomes.json` and
 * `docs/SUPPORT.md`. `npm run test:agents -- gemini` runs only those whose name has the word in it. What could not be run keeps its
 * outcome.
 */
import { existsSync, writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { supportPage } from '../ways/support-page.ts'
import { agents, nameOf } from './agents.ts'
import { merged, type Outcomes, outcomesFile, readOutcomes } from './outcomes.ts'
import { type AgentOutcome, runAgent } from './run-agent.ts'

const words = process.argv.slice(2)
const chosen = agents.filter((agent) => words.every((word) => nameOf(agent).includes(word)))
const known: Outcomes = existsSync(outcomesFile) ? readOutcomes() : {}
const outcomes = new Map<string, AgentOutcome>()
let failedCount = 0
for (const agent of chosen) {
  const name = nameOf(agent)
  try {
    const outcome = await runAgent(agent)
    outcomes.set(name, outcome)
    const faults = Object.entries(outcome.notWhole)
    console.log(`${faults.length === 0 ? '●' : '○'} ${name}`)
    for (const [aspect, fault] of faults) console.log(`    ${aspect}: ${fault}`)
  } catch (error) {
    failedCount += 1
    console.log(`could not be run: ${name}: ${error}`)
  }
}
const written = merged(known, outcomes)
writeFileSync(outcomesFile, `${JSON.stringify(written, null, 2)}\n`)
writeFileSync(path.resolve(import.meta.dirname, '../../../docs/SUPPORT.md'), supportPage())
const notWhole = Object.values(written).filter((each) => Object.keys(each.notWhole).length > 0)
console.log(`${notWhole.length} of ${Object.keys(written).length} agents are not whole.`)
process.exit(notWhole.length + failedCount === 0 ? 0 : 1)
