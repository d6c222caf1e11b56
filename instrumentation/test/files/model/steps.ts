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
      readonly command: 'write' | 'append' | 'delete' | 'replace'
      readonly path: string
      readonly content: string
    }
  /** Somebody else, outside of any turn. */
  | { readonly do: 'other'; readonly path: string; readonly content: string | null }
  /** The turn ends, an operation is undone through the routes, and the next turn begins. */
  | { readonly do: 'revert'; readonly which: number }
  /** The app is killed while it writes. */
  | { readonly do: 'kill'; readonly path: string; readonly content: string }

type Form = (typeof forms)[number]

const files = ['a.txt', 'b.txt', 'c.txt', 'd.txt', 'p/e.txt', 'p/q/f.txt', 'new.txt', 'p/new.txt']
const folders = ['p', 'z', 'p/q', 'z/y']

export interface SequenceOptions {
  /** The sequence ends with the app killed. */
  readonly isKilled: boolean
  /** Shell commands take some milliseconds each. */
  readonly hasChildren: boolean
}

export function generateSequence(
  seed: number,
  { isKilled, hasChildren }: SequenceOptions,
): readonly Step[] {
  const random = openRandom(seed)
  const kinds: readonly [number, (random: Random, index: number) => Step][] = [
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
    [
      1,
      (random) => ({
        do: 'copy folder',
        path: random.pick(folders),
        from: random.pick(folders),
        form: random.pick(forms),
      }),
    ],
    [
      1,
      (random) => ({
        do: 'rename folder',
        path: random.pick(folders),
        from: random.pick(folders),
        form: random.pick(forms),
      }),
    ],
    [
      1,
      (random) => ({ do: 'delete folder', path: random.pick(folders), form: random.pick(forms) }),
    ],
    [
      hasChildren ? 3 : 0,
      (random, index) => ({
        do: 'child',
        command: random.pick(['write', 'append', 'delete', 'replace']),
        path: random.pick(files),
        content: contentOf(random, index),
      }),
    ],
    [
      2,
      (random, index) => ({
        do: 'other',
        path: random.pick(files),
        content: random.next() < 0.2 ? null : contentOf(random, index),
      }),
    ],
    [2, (random) => ({ do: 'revert', which: random.below(1000) })],
  ]
  const total = kinds.reduce((sum, [weight]) => sum + weight, 0)
  const steps = Array.from({ length: 3 + random.below(14) }, (_, index) => {
    let left = random.next() * total
    const found = kinds.find(([weight]) => {
      left -= weight
      return left < 0
    })
    return (found ?? kinds[0])?.[1](random, index)
  }).filter((step) => step !== undefined)
  if (!isKilled) return steps
  return [...steps, { do: 'kill', path: random.pick(files), content: contentOf(random, 99) }]
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
