/** The section of `docs/SUPPORT.md` about model APIs and packages, made from the list and `outcomes.json`. */
import { type Aspect, aspects } from './compare-records.ts'
import { type Outcomes, type RunOutcome, readOutcomes } from './outcomes.ts'
import { loaders, modes, nameOf, nodeLines, type PackageEntry, type Run, runs } from './packages.ts'
import { situations } from './situations.ts'

export function modelsSection(outcomes: Outcomes = readOutcomes()): readonly string[] {
  const known = runs.flatMap((run) => {
    const outcome = outcomes[run.id]
    return outcome === undefined ? [] : [{ run, outcome }]
  })
  const plain = known.filter(({ run }) => run.situation === 'tool')
  const versions = [...new Set(known.map(({ outcome }) => outcome.node))].toSorted().toReversed()
  const notWhole = known.flatMap(({ run, outcome }) =>
    Object.entries(outcome.notWhole).map(([aspect, fault]) => `- ${run.id}: ${aspect}: ${fault}`),
  )
  return [
    '## Model APIs and packages',
    'Small agent apps with packages from npm, against a local model server that compresses its answers for clients that take it. In each the model asks for a tool that writes ' +
      'a file, gets its result and answers. Each app runs without the preload and with it. *host*: its output, exit, ' +
      'files, HTTP answer and requests are the same. *turn*: one, with prompt and answer. *model call*: two, with the ' +
      'messages in both directions, the tool and finish reasons. *tokens*: those of both calls. *tool call*: one, with arguments and result. *files*: ' +
      'one operation, below the tool call, with its content. Made by `npm run test:models`, from ' +
      `\`instrumentation/test/packages\`; do not edit. ${known.length} runs, on Node ${versions.join(' and ')}.`,
    '● whole · ○ not, with the reason below the table · empty: the package does not ask the API for it. Run as: imported (ESM) or required (CJS); the answer in one piece ' +
      '(JSON) or as a stream; the Node line.',
    tableOf(plain.filter(({ run }) => run.entry.tracing === undefined)),
    '### Beside other telemetry',
    'Apps whose libraries trace themselves with OpenTelemetry, in the dialect that is named. Nothing may be counted twice. *turn*: the ' +
      "libraries' spans are in it; with an SDK of the app's own, they go to that one as without the preload, and none is recorded here.",
    tableOf(plain.filter(({ run }) => run.entry.tracing !== undefined)),
    '### When something fails',
    'The same apps, each in one form, with turns that do not go well. In each, the app is as without the preload, and the rows say what happened, once. *two ' +
      'tools*: the model asks for two at once, which are two tool calls. *failing tool*: what the tool throws is the ' +
      'type and message of the tool call, and one error; ◐: the app tells the model of it in a text like any other, so it is ' +
      'a result. *retry*: the model answers 429, then as asked, which is one model call with two attempts, and no error. *refusal*: it answers 400, which is one error, ' +
      "the model call's; the turn has failed with its type. *abort*: the user stops the answer in its middle: model call and turn are aborted, which is no error. *cut answer*: the connection breaks in its middle. *no connection*: nobody listens at the address.",
    failuresTableOf(known),
    ...(notWhole.length === 0 ? [] : [notWhole.join('\n')]),
  ]
}

interface KnownRun {
  readonly run: Run
  readonly outcome: RunOutcome
}

function tableOf(known: readonly KnownRun[]): string {
  return [
    `| package | model API | run as | ${aspects.join(' | ')} |`,
    `| --- | --- | --- | ${aspects.map(() => '---').join(' | ')} |`,
    ...rowsOf(known),
  ].join('\n')
}

function failuresTableOf(known: readonly KnownRun[]): string {
  const shown = situations.filter((situation) => situation !== 'tool')
  const entries = new Set(known.flatMap(({ run }) => (run.situation === 'tool' ? [] : [run.entry])))
  const rows = [...entries].map((entry) => {
    const marks = shown.map((situation) => {
      const found = known.find(({ run }) => run.entry === entry && run.situation === situation)
      if (found === undefined) return ''
      if (Object.keys(found.outcome.notWhole).length > 0) return '○'
      return situation === 'failing tool' && entry.toolFailures === 'hidden' ? '◐' : '●'
    })
    return `| ${nameOf(entry)} | ${entry.api} | ${marks.join(' | ')} |`
  })
  return [
    `| package | model API | ${shown.join(' | ')} |`,
    `| --- | --- | ${shown.map(() => '---').join(' | ')} |`,
    ...rows,
  ].join('\n')
}

/** Runs of one entry share a row where they have the same marks. */
function rowsOf(known: readonly KnownRun[]): readonly string[] {
  const rows = new Map<string, { entry: PackageEntry; marks: string; runs: Run[] }>()
  for (const { run, outcome } of known) {
    const { entry } = run
    const marks = aspects.map((aspect) => markOf(aspect, outcome)).join(' | ')
    const key = `${nameOf(entry)}, ${entry.api}, ${marks}`
    const row = rows.get(key) ?? { entry, marks, runs: [] }
    row.runs.push(run)
    rows.set(key, row)
  }
  return [...rows.values()].map(
    ({ entry, marks, runs }) => `| ${nameOf(entry)} | ${entry.api} | ${formsOf(runs)} | ${marks} |`,
  )
}

function markOf(aspect: Aspect, { notWhole, missing }: RunOutcome): string {
  if (missing.includes(aspect)) return ''
  return aspect in notWhole ? '○' : '●'
}

function formsOf(runs: readonly Run[]): string {
  const usedLoaders = Object.keys(loaders).filter((loader) =>
    runs.some((run) => run.loader === loader),
  )
  const usedModes = modes.filter((mode) => runs.some((run) => run.mode === mode))
  const usedNodes = nodeLines.filter((node) => runs.some((run) => run.node === node))
  const isProduct = runs.length === usedLoaders.length * usedModes.length * usedNodes.length
  return isProduct
    ? `${usedLoaders.join(', ')}; ${usedModes.join(', ')}; ${usedNodes.join(', ')}`
    : runs.map(({ loader, mode, node }) => `${loader} ${mode} ${node}`).join(', ')
}
