/**
 * What the runs have shown, by run: `npm run test:models` writes `outcomes.json`, the support page is made from it, and a test
 * compares a part of it with runs.
 */
import { readFileSync } from 'node:fs'
import { builtPreload } from '../ways/built-preload.ts'
import { nodeOf } from '../ways/nodes.ts'
import { type Run, runs } from './packages.ts'
import { type AppOutcome, type RunNode, runApp } from './run-app.ts'

export interface RunOutcome extends AppOutcome {
  /** The version of Node. */
  readonly node: string
}

/** By the id of the run, in the order of the list. */
export type Outcomes = Readonly<Record<string, RunOutcome>>

export const outcomesFile = new URL('outcomes.json', import.meta.url)

export function readOutcomes(): Outcomes {
  return JSON.parse(readFileSync(outcomesFile, 'utf8'))
}

/** Runs two at a time. An `Error` is why an app could not be run at all, as when a package is not to be had. */
export async function runAll(
  chosen: readonly Run[],
  onOutcome: (id: string, outcome: RunOutcome | Error) => void,
): Promise<void> {
  const waiting = [...chosen]
  const work = async (): Promise<void> => {
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) {
      const outcome = await outcomeOf(run).catch((error: unknown) =>
        error instanceof Error ? error : new Error(String(error)),
      )
      onOutcome(run.id, outcome)
    }
  }
  await Promise.all([work(), work()])
}

export async function outcomeOf(run: Run): Promise<RunOutcome> {
  const { version, program } = nodeOf(run.node)
  return { node: version, ...(await runApp(run, await optionsOf(program))) }
}

/** The Node of the repository runs the sources, others the preload as it is published. */
async function optionsOf(program: string): Promise<RunNode> {
  return program === process.execPath ? {} : { node: program, preload: await builtPreload() }
}

/** `changed` in place of what was known, without runs that are no longer in the list. */
export function merged(known: Outcomes, changed: ReadonlyMap<string, RunOutcome>): Outcomes {
  return Object.fromEntries(
    runs.flatMap(({ id }) => {
      const outcome = changed.get(id) ?? known[id]
      return outcome === undefined ? [] : [[id, outcome]]
    }),
  )
}
