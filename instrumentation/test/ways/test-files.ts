/**
 * `npm run test:files`: runs every way to change a file on several Node versions, and writes `outcomes.json` and
 * `docs/SUPPORT.md`. With versions as arguments (`npm run test:files -- 24`) only those are run and written again. Node 24
 * runs the sources, other versions the preload as it is published.
 *
 * `npm run test:files -- --sequences 10000` runs random sequences of changes on Node 24, `--seed N` the one of a seed, which is
 * made shorter if it fails, `--wait MS` with the app waiting for looks so long, when a record may say that changes are missing.
 */
import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { parseArgs } from 'node:util'
import { defined } from '@turnlog/conventions/plain'
import { checkSequences, patient } from '../files/model/check-model.ts'
import { runModel, sequenceOf } from '../files/model/run-model.ts'
import { shrink } from '../files/model/shrink.ts'
import { builtPreload } from './built-preload.ts'
import { type NodeProgram, nodeOf, nodeRanges } from './nodes.ts'
import {
  type NodeOutcome,
  type Outcomes,
  outcomeOf,
  outcomesFile,
  readOutcomes,
  runGroups,
} from './outcomes.ts'
import { supportPage } from './support-page.ts'

const root = path.resolve(import.meta.dirname, '../../..')

const { values: options, positionals: asked } = parseArgs({
  allowPositionals: true,
  options: {
    sequences: { type: 'string' },
    seed: { type: 'string' },
    children: { type: 'boolean' },
    wait: { type: 'string' },
  },
  allowNegative: true,
})
const isRight =
  options.sequences === undefined && options.seed === undefined
    ? await runOnNodes(asked.length === 0 ? nodeRanges : asked)
    : await runSequences(Number(options.seed ?? randomInt(2 ** 31)), Number(options.sequences ?? 1))
process.exit(isRight ? 0 : 1)

/** Whether all of them are right. A single one that is not is made shorter. */
async function runSequences(firstSeed: number, count: number): Promise<boolean> {
  console.log(`${count} sequences from seed ${firstSeed} on`)
  const { children: hasChildren, wait } = options
  const check = wait === undefined ? patient : { waitMsMax: Number(wait) }
  const faults = await runModel({
    firstSeed,
    count,
    check,
    ...defined({ hasChildren }),
    onProgress: (done) => {
      if (done % 500 < 25) console.log(`${done} done`)
    },
  })
  for (const [seed, found] of faults) {
    console.log(`npm run test:files -- --seed ${seed}\n  ${found.join('\n  ')}`)
  }
  console.log(`${faults.size} of ${count} sequences are not recorded as they were.`)
  if (count === 1 && faults.size === 1) {
    const shortest = await shrink(sequenceOf(firstSeed, hasChildren))
    const found = (await checkSequences([shortest], check)).get(firstSeed) ?? []
    console.log(
      `The shortest: ${JSON.stringify(shortest.steps, shortText, 1)}\n  ${found.join('\n  ')}`,
    )
  }
  return faults.size === 0
}

function shortText(_name: string, value: unknown): unknown {
  return typeof value === 'string' && value.length > 60
    ? `${value.slice(0, 60)}… (${value.length})`
    : value
}

async function runOnNodes(ranges: readonly string[]): Promise<boolean> {
  const outcomes: Record<string, NodeOutcome> = { ...readOutcomes() }
  for (const range of ranges) {
    const node = nodeOf(range)
    const outcome = await outcomeOn(node)
    for (const version of Object.keys(outcomes)) {
      if (isReplaced(version, range)) delete outcomes[version]
    }
    outcomes[node.version] = outcome
  }
  const sorted: Outcomes = Object.fromEntries(
    Object.entries(outcomes).toSorted(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })),
  )
  writeFileSync(outcomesFile, `${JSON.stringify(sorted, null, 2)}\n`)
  writeFileSync(path.join(root, 'docs/SUPPORT.md'), supportPage(sorted))
  return Object.values(outcomes).every(({ notWhole }) => notWhole.length === 0)
}

/** The column of an exact version, and the one of the newest of a line, are replaced by a run for the same. */
function isReplaced(version: string, range: string): boolean {
  const exact: readonly string[] = nodeRanges
  return range.includes('.')
    ? version === range
    : version.startsWith(`${range}.`) && !exact.includes(version)
}

async function outcomeOn({ version, program }: NodeProgram): Promise<NodeOutcome> {
  const isOwn = program === process.execPath
  const runs = runGroups(
    isOwn
      ? {}
      : { node: program, nodeOptions: typeScriptOptions(version), preload: await builtPreload() },
  )
  const results = []
  for (const { group, results: promised } of runs) {
    const { byId, others } = await promised
    results.push({ byId, others })
    for (const [id, result] of byId) {
      if (result.status !== 'not_whole') continue
      console.log(
        `Node ${version}, ${group}, ${id}:\n  ${result.differences.slice(0, 3).join('\n  ')}`,
      )
    }
    for (const other of others) console.log(`Node ${version}, ${group}: also recorded ${other}`)
  }
  const outcome = outcomeOf(results)
  console.log(`Node ${version}: ${outcome.notWhole.length} ways are not recorded whole.`)
  return outcome
}

/** Node 22 runs TypeScript without an option from 22.18 on. */
function typeScriptOptions(version: string): readonly string[] {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major === 22 && minor < 18
    ? ['--experimental-strip-types', '--disable-warning=ExperimentalWarning']
    : []
}
