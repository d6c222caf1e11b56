/**
 * What the runs have shown, by agent: `npm run test:agents` writes `outcomes.json`, the support page is made from it, and a test
 * compares one of them with a run.
 */
import { readFileSync } from 'node:fs'
import { agents, nameOf } from './agents.ts'
import type { AgentOutcome } from './run-agent.ts'

/** By the name of the agent, in the order of the list. */
export type Outcomes = Readonly<Record<string, AgentOutcome>>

export const outcomesFile = new URL('outcomes.json', import.meta.url)

export function readOutcomes(): Outcomes {
  return JSON.parse(readFileSync(outcomesFile, 'utf8'))
}

/** `changed` in place of what was known, without agents that are no longer in the list. */
export function merged(known: Outcomes, changed: ReadonlyMap<string, AgentOutcome>): Outcomes {
  return Object.fromEntries(
    agents.flatMap((agent) => {
      const name = nameOf(agent)
      const outcome = changed.get(name) ?? known[name]
      return outcome === undefined ? [] : [[name, outcome]]
    }),
  )
}
