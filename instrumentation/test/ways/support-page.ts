/**
 * Makes `docs/SUPPORT.md` from the lists of what is run and the `outcomes.json` beside each: which ways to change a file are
 * recorded, on which Node, which packages that call models, and which command-line agents.
 */
import { agentsSection } from '../agents/agents-section.ts'
import { modelsSection } from '../packages/models-section.ts'
import { groups } from './all-ways.ts'
import { type NodeOutcome, type Outcomes, readOutcomes } from './outcomes.ts'
import type { Way } from './way.ts'

export function supportPage(outcomes: Outcomes = readOutcomes()): string {
  const versions = Object.keys(outcomes)
  const excluded = Object.values(groups)
    .flat()
    .flatMap((way) => way.excluded ?? [])
  return [
    '# What is recorded, as measured',
    '## Ways to change a file',
    'Which changes of files are recorded during a turn, by the way in which an app makes them. Each row is run by an app ' +
      'under the preload, and the contents before and after are compared with the disk to the byte, in the local store ' +
      'and in what is sent. Made by `npm run test:files`, from `instrumentation/test/ways`; do not edit.',
    '● recorded whole · ○ not recorded, or not whole · – left out on purpose: ' +
      `${[...new Set(excluded)].join('; ')} · empty: this Node does not have it. ` +
      'Forms: sync, callback, promise.',
    ...Object.entries(groups).flatMap(([group, ways]) => [
      `### ${group}`,
      [
        `| a change by | ${versions.map((version) => `Node ${version}`).join(' | ')} |`,
        `| --- | ${versions.map(() => '---').join(' | ')} |`,
        ...rowsOf(ways, Object.values(outcomes)),
      ].join('\n'),
    ]),
    ...modelsSection(),
    ...agentsSection(),
  ]
    .join('\n\n')
    .concat('\n')
}

/** Forms of one function share a row where they have the same marks. */
function rowsOf(ways: readonly Way[], outcomes: readonly NodeOutcome[]): string[] {
  const rows = new Map<string, { name: string; forms: string[]; marks: string }>()
  for (const way of ways) {
    const [, name = way.by, form] = /^(.*) \((sync|callback|promise)\)$/.exec(way.by) ?? []
    const marks = outcomes.map((outcome) => markOf(way, outcome)).join(' | ')
    const row = rows.get(`${name} ${marks}`) ?? { name, forms: [], marks }
    if (form !== undefined) row.forms.push(form)
    rows.set(`${name} ${marks}`, row)
  }
  return [...rows.values()].map(({ name, forms, marks }) => {
    const isPart = [...rows.values()].filter((row) => row.name === name).length > 1
    return `| ${name.replaceAll('|', '\\|')}${isPart ? ` (${forms.join(', ')})` : ''} | ${marks} |`
  })
}

function markOf({ id, excluded }: Way, { notWhole, missing }: NodeOutcome): string {
  if (missing.includes(id)) return ''
  if (notWhole.includes(id)) return '○'
  return excluded === undefined ? '●' : '–'
}
