/** Sequences that once were not recorded as they were. All run in one app, which kills itself in one of them. */
import { beforeAll, expect, test } from 'vitest'
import { checkSequences, type Faults } from './check-model.ts'
import type { Step } from './steps.ts'

const text = 'some text\n'
/** Appends to `a.txt` when the steps after it are over. */
const background: Step = {
  do: 'background',
  command: 'append',
  path: 'a.txt',
  content: text,
  steps: 10,
}
const other = (step: Step): Step => ({ do: 'other', step })

const known: Readonly<Record<string, readonly Step[]>> = {
  'a file that a child has emptied is written at once': [
    { do: 'child', command: 'write', path: 'a.txt', content: '' },
    { do: 'write', path: 'a.txt', content: text, by: 'descriptor r+' },
  ],
  'a file that the app has emptied and renamed is written at once': [
    { do: 'write', path: 'b.txt', content: '', by: 'writeFile sync' },
    { do: 'rename', path: 'c.txt', from: 'b.txt', form: 'sync' },
    { do: 'write', path: 'c.txt', content: text, by: 'writeFile sync' },
  ],
  'a file that the app has emptied and given another mode is written at once': [
    { do: 'write', path: 'b.txt', content: '', by: 'writeFile sync' },
    { do: 'stamp', path: 'b.txt', by: 'chmod' },
    { do: 'write', path: 'b.txt', content: text, by: 'writeFile sync' },
  ],
  'an operation is undone while a child runs': [
    { do: 'write', path: 'b.txt', content: text, by: 'writeFile sync' },
    background,
    { do: 'revert', which: 0 },
  ],
  'modes and times change while a child runs': [
    background,
    { do: 'stamp', path: 'b.txt', by: 'chmod' },
    { do: 'stamp', path: 'c.txt', by: 'utimes' },
    { do: 'stamp', path: 'p/e.txt', by: 'fchmod' },
    { do: 'stamp', path: 'p/q/f.txt', by: 'FileHandle' },
  ],
  'a folder is renamed while a child runs': [
    background,
    { do: 'rename folder', path: 'z', from: 'p', form: 'promise' },
  ],
  'a folder is copied over another one while a child runs': [
    background,
    { do: 'copy folder', path: 'z', from: 'p', form: 'sync' },
    { do: 'write', path: 'p/e.txt', content: text, by: 'writeFile sync' },
    { do: 'copy folder', path: 'z', from: 'p', form: 'sync' },
  ],
  'a folder is removed while a child runs': [
    background,
    { do: 'delete folder', path: 'p', form: 'sync' },
  ],
  'folders change outside of turns while a child runs': [
    background,
    other({ do: 'copy folder', path: 'z', from: 'p', form: 'sync' }),
    other({ do: 'rename folder', path: 'y', from: 'p', form: 'sync' }),
    other({ do: 'delete folder', path: 'z', form: 'sync' }),
  ],
  'a folder is copied onto itself right before a child changes a file in it': [
    { do: 'child', command: 'write', path: 'b.txt', content: text },
    { do: 'copy folder', path: 'p/q', from: 'p/q', form: 'callback' },
    { do: 'child', command: 'append', path: 'p/q/f.txt', content: text },
  ],
  'a folder is copied outside of turns, in the background, while a child runs': [
    background,
    other({ do: 'copy folder', path: 'z', from: 'p/q', form: 'promise' }),
  ],
  'files are begun outside of turns when a child ends': [
    { ...background, steps: 3 },
    other({ do: 'hold', path: 'b.txt', content: text }),
    other({ do: 'hold', path: 'new.txt', content: text }),
  ],
  'files are opened and written outside of turns while a child runs': [
    background,
    other({ do: 'write', path: 'b.txt', content: text, by: 'FileHandle' }),
    other({ do: 'write', path: 'new.txt', content: text, by: 'stream' }),
    other({ do: 'write', path: 'c.txt', content: text, by: 'descriptor' }),
  ],
  'a file is written several times at once outside of turns while a child runs': [
    background,
    other({
      do: 'parallel',
      path: 'p/new.txt',
      contents: ['1\n', '2\n', '3\n'],
      by: ['stream', 'writeFile promise', 'stream'],
    }),
  ],
  'a child makes the file that the app could not remove': [
    { ...background, path: 'new.txt' },
    { do: 'delete', path: 'new.txt', form: 'sync' },
  ],
  'the app is killed while it writes, and starts again': [
    { do: 'write', path: 'a.txt', content: text, by: 'writeFile promise' },
    {
      do: 'kill',
      step: { do: 'write', path: 'b.txt', content: text, by: 'writeFile promise' },
      after: 1,
    },
    { do: 'write', path: 'c.txt', content: text, by: 'writeFile promise' },
  ],
}

let faults: Faults

beforeAll(async () => {
  faults = await checkSequences(
    Object.values(known).map((steps, index) => ({ seed: index + 1, steps })),
  )
})

test.for(Object.keys(known))('%s, and is recorded so', (name) => {
  const seed = Object.keys(known).indexOf(name) + 1
  expect(faults.get(seed) ?? []).toEqual([])
})
