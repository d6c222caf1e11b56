/** Which states of a file are recorded when calls overlap, fail, or another program writes. On the real disk. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import type { FileRecord, FileState } from '../../src/observe/file-record.ts'
import { HostFiles } from '../../src/observe/host-files.ts'
import { PathStates } from '../../src/observe/path-states.ts'
import type { Intent, Writer } from '../../src/observe/writer.ts'
import { temporaryFolder } from '../changes/support.ts'

let file: string
let states: PathStates
let ended: string[]

beforeEach(() => {
  const workspace = temporaryFolder()
  file = path.join(workspace, 'a.txt')
  const files = new HostFiles({ workspace, ownFolders: [], contentBytesMax: 1024 ** 2 })
  states = new PathStates(files, noChildren)
  ended = []
})

const noChildren = {
  isPrepared: false,
  leftByChild: () => false,
  isWatching: false,
  writing: () => undefined,
  changed: () => undefined,
}

/** A stand-in for the record of an operation: says what was noted. */
class Noted {
  readonly name: string
  readonly facts: { readonly kind: 'write' | 'delete' }
  readonly sides: Record<string, string | undefined> = {}
  merged: string[] = []

  constructor(name: string, kind: 'write' | 'delete') {
    this.name = name
    this.facts = { kind }
  }

  note(side: string, state: FileState): void {
    this.sides[side] =
      state.state === 'content'
        ? Buffer.from(state.bytes).toString()
        : state.state === 'absent'
          ? '(absent)'
          : `(${state.reason})`
  }

  noteBeforeOf(other: Noted): void {
    this.sides.before = other.sides.before
  }

  absorb(other: Noted): void {
    this.merged.push(other.name)
  }

  fail(): void {}
  discard(): void {
    ended.push(`${this.name} discarded`)
  }
}

function writer(name: string, makes?: 'content' | 'appended' | 'nothing', text = name) {
  const bytes = Buffer.from(text)
  const intent: Intent | undefined =
    makes === undefined
      ? undefined
      : makes === 'nothing'
        ? { makes }
        : { makes, size: () => bytes.byteLength, bytes: () => bytes }
  const noted = new Noted(name, makes === 'nothing' ? 'delete' : 'write')
  const made: Writer = {
    record: noted as unknown as FileRecord,
    intent,
    isDone: false,
    onSettled: (isRecorded) => {
      if (isRecorded) {
        const { before, after } = noted.sides
        const merged = noted.merged.length === 0 ? '' : ` with ${noted.merged.join(', ')}`
        ended.push(`${name}: ${before} → ${after ?? '(absent)'}${merged}`)
      }
    },
  }
  return made
}

function leave(made: Writer, error?: string): void {
  made.isDone = true
  made.error = error
  states.leave(file, made)
}

/** Two calls that overlap, in the order in which they begin. The first to end is `ends[0]`; the other leaves `left`. */
function overlap(
  [first, second]: readonly [Writer, Writer],
  {
    left,
    before = 'old',
    ends = [first, second],
    error,
  }: { left: string; before?: string; ends?: readonly [Writer, Writer]; error?: string },
): void {
  fs.writeFileSync(file, before)
  states.enter(file, first, { isLink: first.intent?.makes === 'nothing' })
  // A call that writes a whole content begins by truncating the file.
  if (first.intent?.makes === 'content') fs.truncateSync(file)
  states.enter(file, second)
  leave(ends[0], error)
  expect(ended).toEqual([])
  fs.writeFileSync(file, left)
  leave(ends[1])
}

describe('calls that overlap', () => {
  test('a second write begins with what the first one writes', () => {
    overlap([writer('one', 'content'), writer('two', 'content')], { left: 'two' })
    expect(ended).toEqual(['one: old → one', 'two: one → two'])
  })

  test('the order is the one that leads to the last state', () => {
    const [one, two] = [writer('one', 'content'), writer('two', 'content')]
    overlap([one, two], { ends: [two, one], left: 'one' })
    expect(ended).toEqual(['two: old → two', 'one: two → one'])
  })

  test('data appended at once is known from the end of the file', () => {
    const both = [writer('one ', 'appended'), writer('two ', 'appended')] as const
    overlap(both, { before: 'old ', left: 'old one two ' })
    expect(ended).toEqual(['one : old  → old one ', 'two : old one  → old one two '])
  })

  test('writes that no order explains are one operation', () => {
    overlap([writer('one', 'content', 'longer'), writer('two', 'content')], { left: 'twoger' })
    expect(ended).toEqual(['one: old → twoger with two', 'two discarded'])
  })

  test('an empty text that one of them writes is not recorded as a state in between', () => {
    overlap([writer('empty', 'content', ''), writer('good', 'content')], { left: 'good' })
    expect(ended).toEqual(['empty: old → good with good', 'good discarded'])
  })

  test('a file that exists in the end was edited, even if a delete came first', () => {
    overlap([writer('gone', 'nothing'), writer('stream')], { left: 'streamed' })
    expect(ended).toEqual(['stream: old → streamed with gone', 'gone discarded'])
  })

  test('a delete between them is a state, too', () => {
    overlap([writer('gone', 'nothing'), writer('made', 'content')], { left: 'made' })
    expect(ended).toEqual(['gone: old → (absent)', 'made: (absent) → made'])
  })

  test('a failed call that left nothing is not recorded', () => {
    const both = [writer('bad', 'content'), writer('good', 'content')] as const
    overlap(both, { left: 'good', error: 'ENOSPC' })
    expect(ended).toEqual(['good: old → good', 'bad discarded'])
  })

  test('the data of a finished call is copied, since the host may use its buffer again', () => {
    const bytes = Buffer.from('one')
    const one: Writer = {
      ...writer('one'),
      intent: { makes: 'content', size: () => 3, bytes: () => bytes },
    }
    const two = writer('two', 'content')
    states.enter(file, one)
    states.enter(file, two)
    leave(one)
    bytes.fill('x')
    fs.writeFileSync(file, 'two')
    leave(two)
    expect(ended).toEqual(['one: (absent) → one', 'two: one → two'])
  })

  test('more writers than are remembered are merged', () => {
    const first = writer('first')
    states.enter(file, first)
    for (let count = 0; count < 600; count += 1) {
      const next = writer(`next ${count}`, 'content')
      states.enter(file, next)
      leave(next)
    }
    fs.writeFileSync(file, 'end')
    leave(first)
    const recorded = ended.filter((each) => !each.endsWith('discarded'))
    expect(recorded).toHaveLength(1)
    expect(recorded[0]).toMatch(/^first: \(absent\) → end with next 0,.*next 599$/)
  })
})

describe('one call', () => {
  test('that fails and changed nothing is not recorded', () => {
    fs.writeFileSync(file, 'old')
    const one = writer('one', 'content')
    states.enter(file, one)
    leave(one, 'EACCES')
    expect(ended).toEqual(['one discarded'])
  })

  test('that fails half way is recorded as it left the file', () => {
    fs.writeFileSync(file, 'old')
    const one = writer('one', 'content', 'one whole text')
    states.enter(file, one)
    fs.writeFileSync(file, 'one who')
    leave(one, 'ENOSPC')
    expect(ended).toEqual(['one: old → one who'])
  })

  test('after which another program truncates the file is recorded as what it wrote', () => {
    const one = writer('one', 'content')
    states.enter(file, one)
    fs.writeFileSync(file, '')
    leave(one)
    expect(ended).toEqual(['one: (absent) → one'])
  })

  test('before which another program has truncated the file has an unknown before', () => {
    const one = writer('one', 'content')
    states.enter(file, one)
    fs.writeFileSync(file, 'one')
    leave(one)
    fs.utimesSync(file, 1, 1)
    // The file is older than its change.
    const born = fs.statSync(file).birthtimeMs
    while (Date.now() - born < 20);
    fs.truncateSync(file)
    const two = writer('two', 'content')
    states.enter(file, two)
    fs.writeFileSync(file, 'two')
    leave(two)
    expect(ended.at(-1)).toBe('two: (being_written) → two')
  })

  test('on an empty file that is new, or that a call of the app has emptied, has the empty state before', () => {
    fs.writeFileSync(file, '')
    const one = writer('one', 'content', '')
    states.enter(file, one)
    leave(one)
    const two = writer('two', 'content')
    states.enter(file, two)
    fs.writeFileSync(file, 'two')
    leave(two)
    expect(ended).toEqual(['one:  → ', 'two:  → two'])
  })
})

test('a path is not looked at while a call on it is in flight', () => {
  const one = writer('one', 'content')
  states.enter(file, one)
  fs.writeFileSync(file, '')
  expect(states.look(file)).toEqual({ state: 'omitted', reason: 'being_written' })
  fs.writeFileSync(file, 'one')
  leave(one)
  expect(states.look(file)).toMatchObject({ state: 'content', size: 3 })
})

test('a run of writes ends when something else writes the file', () => {
  fs.writeFileSync(file, 'old')
  const run = writer('run')
  const write = (text: string): void => {
    states.enter(file, run)
    fs.writeFileSync(file, text)
    states.leave(file, run)
  }
  write('run 1')
  write('run 2')
  expect(ended).toEqual([])
  const other = writer('other', 'content')
  states.enter(file, other)
  fs.writeFileSync(file, 'other')
  leave(other)
  expect(ended).toEqual(['run: old → run 2', 'other: run 2 → other'])
})
