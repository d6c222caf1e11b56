/**
 * The ways that are not recorded whole, by Node version. `npm run test:files` writes `outcomes.json`; the test compares it
 * with a run on Node 24. A way that is neither in a list nor excluded on purpose is recorded whole.
 */
import { readFileSync } from 'node:fs'
import { groups, waysById } from './all-ways.ts'
import type { Results } from './run-ways.ts'
import { runWays } from './run-ways.ts'

export interface NodeOutcome {
  /** Ids of ways that are to be recorded whole, and are not yet. */
  readonly notWhole: readonly string[]
  /** Ids of ways that this Node does not have. */
  readonly missing: readonly string[]
}

/** By Node version, the oldest first. */
export type Outcomes = Readonly<Record<string, NodeOutcome>>

export const outcomesFile = new URL('outcomes.json', import.meta.url)

export function readOutcomes(): Outcomes {
  return JSON.parse(readFileSync(outcomesFile, 'utf8'))
}

/** The outcome that was last written for this major version of Node. */
export function outcomeOfMajor(outcomes: Outcomes, major: string): NodeOutcome {
  const found = Object.keys(outcomes).findLast((version) => version.startsWith(`${major}.`))
  return (found && outcomes[found]) || { notWhole: [], missing: [] }
}

export interface GroupRun {
  readonly group: string
  readonly results: Promise<Results>
}

/** Runs all groups, two at a time, each in an app and a workspace of its own. */
export function runGroups(options: Parameters<typeof runWays>[1] = {}): readonly GroupRun[] {
  let slots: Promise<unknown>[] = [Promise.resolve(), Promise.resolve()]
  return Object.entries(groups).map(([group, ways]) => {
    const [first = Promise.resolve(), ...others] = slots
    const results = first.then(() => runWays(ways, options))
    slots = [...others, results.catch(() => undefined)]
    return { group, results }
  })
}

/** The text in which `results` are written, with the ways in their order. */
export function outcomeOf(results: readonly Results[]): NodeOutcome {
  const idsWith = (status: string): string[] =>
    [...waysById.keys()].filter((id) => results.some(({ byId }) => byId.get(id)?.status === status))
  return { notWhole: idsWith('not_whole'), missing: idsWith('missing') }
}
