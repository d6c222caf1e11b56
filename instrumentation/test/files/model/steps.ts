/**
 * The steps of a random sequence: plain data that is generated from a seed, so that a sequence can be run again and made
 * shorter. `a.txt` to `d.txt` and the files in `p/` exist before the turn; a step may find its file missing, and then fails
 * as an app's would.
 */
import { openRandom, type Random } from '../../../../test/support/random.ts'

export const forms = ['sync', 'callback', 'promise'] as const
export const writers = [
  'writeFile sync',
  'writeFile callback',
  'writeFile promise',
  'appendFile sync',
  'appendFile callback',
  'appendFile promise',
  'descriptor',
  'descriptor r+',
  'FileHandle',
  'FileHandle a',
  'stream',
  'stream a',
  'truncate sync',
  'truncate promise',
] as const
export type Writer = (typeof writers)[number]
export const commands = ['write', 'append', 'delete', 'replace'] as const
export type Command = (typeof commands)[number]
export const stampers = ['chmod', 'utimes', 'fchmod', 'FileHandle'] as const
type Stamper = (typeof stampers)[number]

export type Step =
  /** One change of one file, whole before the next step. */
  | { readonly do: 'write'; readonly path: string; readonly content: string; readonly by: Writer }
  | { readonly do: 'copy'; readonly path: string; readonly from: string; readonly form: Form }
  | { readonly do: 'delete'; readonly path: string; readonly form: Form }
  | { readonly do: 'rename'; readonly path: string; readonly from: string; readonly form: Form }
  | { readonly do: 'atomic'; readonly path: string; readonly content: string; readonly form: Form }
  /** The write ends in an error after its first part. */
  | { readonly do: 'fail'; readonly path: string; readonly isAppend: boolean }
  /** Whole contents, written at the same time. */
  | {
      readonly do: 'parallel'
      readonly path: string
      readonly contents: readonly string[]
      readonly by: readonly Writer[]
    }
  /** Different files at the same time. */
  | {
      readonly do: 'spread'
      readonly paths: readonly string[]
      readonly content: string
      readonly by: Writer
    }
  /** Folders as a whole. */
  | {
      readonly do: 'copy folder' | 'rename folder'
      readonly path: string
      readonly from: string
      readonly form: Form
    }
  | { readonly do: 'delete folder'; readonly path: string; readonly form: Form }
  /** A shell command. */
  | {
      readonly do: 'child'
      readonly command: Command
      readonly path: string
      readonly content: string
    }
  /** A shell command that is started now, and changes the file some steps later. */
  | {
      readonly do: 'background'
      readonly command: Command
      readonly path: string
      readonly content: string
      readonly steps: number
    }
  /** The mode or the times of a file, and nothing in it. */
  | { readonly do: 'stamp'; readonly path: string; readonly by: Stamper }
  /** A file is opened and begun; the rest is written, and the file closed, when the sequence ends. Only outside of turns. */
  | { readonly do: 'hold'; readonly path: string; readonly content: string }
  /** The app itself, outside of any turn. */
  | { readonly do: 'other'; readonly step: Step }
  /** The turn ends, an operation is undone through the routes, and the next turn begins. */
  | { readonly do: 'revert'; readonly which: number }
  /**
   * The app is killed during a step, after so many turns of its event loop; `outside`: by another process, during this step or a
   * later one. It starts again, and goes on with the next step.
   */
  | { readonly do: 'kill'; readonly step: Step; readonly after: number | 'outside' }

type Form = (typeof forms)[number]

const files = ['a.txt', 'b.txt', 'c.txt', 'd.txt', 'p/e.txt', 'p/q/f.txt', 'new.txt', 'p/new.txt']
const folders = ['p', 'z', 'p/q', 'z/y']

export interface SequenceOptions {
  /** The app is killed once, and starts again. */
  readonly isKilled: boolean
  /** Shell commands take some milliseconds each. */
  readonly hasChildren: boolean
}

type Maker = (random: Random, index: number) => Step

/** Changes of files by calls of `node:fs`, with how often they come. */
const changes: readonly (readonly [number, Maker])[] = [
  [
    8,
    (random, index) => ({
      do: 'write',
      path: random.pick(files),
      content: contentOf(random, index),
      by: random.pick(writers),
    }),
  ],
  [
    2,
    (random) => ({
      do: 'copy',
      path: random.pick(files),
      from: random.pick(files),
      form: random.pick(forms),
    }),
  ],
  [2, (random) => ({ do: 'delete', path: random.pick(files), form: random.pick(forms) })],
  [
    2,
    (random) => ({
      do: 'rename',
      path: random.pick(files),
      from: random.pick(files),
      form: random.pick(forms),
    }),
  ],
  [
    3,
    (random, index) => ({
      do: 'atomic',
      path: random.pick(files),
      content: contentOf(random, index),
      form: random.pick(forms),
    }),
  ],
  [2, (random) => ({ do: 'fail', path: random.pick(files), isAppend: random.next() < 0.5 })],
  [3, (random, index) => parallel(random, index)],
  [
    1,
    (random, index) => ({
      do: 'spread',
      paths: [...new Set([random.pick(files), random.pick(files), random.pick(files)])],
      content: contentOf(random, index),
      by: random.pick(writers),
    }),
  ],
  [1, (random) => folderStep(random, 'copy folder')],
  [1, (random) => folderStep(random, 'rename folder')],
  [1, (random) => ({ do: 'delete folder', path: random.pick(folders), form: random.pick(forms) })],
  [1, (random) => ({ do: 'stamp', path: random.pick(files), by: random.pick(stampers) })],
]

/** What a sequence may have besides. */
const others: readonly (readonly [number, Maker])[] = [
  [3, (random, index) => ({ do: 'other', step: pickStep(random, index, changes) })],
  [2, (random) => ({ do: 'revert', which: random.below(1000) })],
]

const children: readonly (readonly [number, Maker])[] = [
  [1, (random, index) => ({ do: 'other', step: holdStep(random, index) })],
  [3, (random, index) => ({ do: 'child', ...commandOf(random, index) })],
  [
    2,
    (random, index) => ({
      do: 'background',
      ...commandOf(random, index),
      steps: 1 + random.below(4),
    }),
  ],
]

export function generateSequence(
  seed: number,
  { isKilled, hasChildren }: SequenceOptions,
): readonly Step[] {
  const random = openRandom(seed)
  const makers = [...changes, ...others, ...(hasChildren ? children : [])]
  const steps = Array.from({ length: 3 + random.below(14) }, (_, index) =>
    pickStep(random, index, makers),
  )
  if (!isKilled) return steps
  const killed = {
    do: 'kill',
    step: pickStep(random, 99, changes),
    after: random.pick([0, 1, 2, 5, 10, 'outside', 'outside'] as const),
  } as const
  return steps.toSpliced(random.below(steps.length + 1), 0, killed)
}

function pickStep(
  random: Random,
  index: number,
  makers: readonly (readonly [number, Maker])[],
): Step {
  let left = random.next() * makers.reduce((sum, [weight]) => sum + weight, 0)
  const found = makers.find(([weight]) => {
    left -= weight
    return left < 0
  })
  const [, make] = found ?? makers[0] ?? []
  if (make === undefined) throw new Error('No steps to pick from.')
  return make(random, index)
}

function folderStep(random: Random, what: 'copy folder' | 'rename folder'): Step {
  const [path, from] = [random.pick(folders), random.pick(folders)]
  return { do: what, path, from, form: random.pick(forms) }
}

function holdStep(random: Random, index: number): Step {
  return { do: 'hold', path: random.pick(files), content: contentOf(random, index) }
}

function commandOf(random: Random, index: number) {
  const [command, path] = [random.pick(commands), random.pick(files)]
  return { command, path, content: contentOf(random, index) }
}

function parallel(random: Random, index: number): Step {
  const contents = Array.from(
    { length: 2 + random.below(2) },
    (_, number) => `${contentOf(random, index)}${number}\n`,
  )
  const whole = writers.filter(
    (writer) => writer.startsWith('writeFile') || writer === 'stream' || writer === 'FileHandle',
  )
  return {
    do: 'parallel',
    path: random.pick(files),
    contents,
    by: contents.map(() => random.pick(whole)),
  }
}

/** Distinct in a sequence; sometimes nothing, sometimes more than one write of `fs.promises.writeFile` takes. */
function contentOf(random: Random, index: number): string {
  const kind = random.next()
  if (kind < 0.05) return ''
  const line = `step ${index} ${random.below(1_000_000)}\n`
  return kind < 0.07 ? line.repeat(30_000) : line.repeat(1 + random.below(4))
}
