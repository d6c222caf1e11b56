/**
 * What loses, invents or destroys a file's content: writes at the same time, writes that fail half way, atomic saves. No
 * state is recorded that the file did not have between writes, and Revert writes no other.
 */
import * as fs from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { mountDisk } from '../../../test/support/disk.ts'
import { large, namesOf, saved } from './file-actions.ts'
import { type Change, startFileApp } from './file-app.ts'

const running = await startFileApp()
afterAll(() => running[Symbol.asyncDispose]())
const open = running.openFolder

/** The order of the writes differs from round to round. */
const roundsOf = (name: string): number => (name.includes('large') ? 2 : 5)
const before = 'a\nb\nc\n'

/** The contents that `f.txt` may have between the writes of an action. */
function possibleStates(name: string): ReadonlySet<string> {
  const edits = ['', 'a', 'b', 'c', 'ab', 'ac', 'bc', 'abc'].map((letters) =>
    ['ONE', 'TWO', 'THREE'].reduce(
      (text, word, index) =>
        letters.includes('abc'[index] ?? '?') ? text.replace('abc'[index] ?? '?', word) : text,
      before,
    ),
  )
  const ends = ['1\n', '2\n'].map((end) => large + end)
  const appends = [...ends, ends.join(''), ends.toReversed().join('')].map((end) => before + end)
  const others = [
    large,
    `${large}more\n`,
    `${before}more\n`,
    'sync\n',
    'stream\n',
    'write\n',
    'other\n',
  ]
  return new Set(name.includes('appends') ? [before, ...appends] : [...edits, ...others])
}

describe('writes at the same time', () => {
  for (const name of namesOf.parallel) {
    test(`${name}: no state is invented, and Revert writes no other`, async () => {
      const app = open()
      const possible = possibleStates(name)
      for (let round = 0; round < roundsOf(name); round += 1) {
        fs.rmSync(app.at('moved.txt'), { force: true })
        app.write('f.txt', before)
        app.write('other.txt', 'other\n')
        await app.run(name)
        const final = app.read('f.txt')
        const made = await app.changes()
        expect(made.length).toBeGreaterThan(0)
        for (const change of made) {
          expectPossible(change, new Set([...possible, ...(final === undefined ? [] : [final])]))
        }
        for (const change of made) {
          await app.revert(change)
          const disk = app.read('f.txt')
          if (disk !== undefined) expect(disk === final || possible.has(disk)).toBe(true)
        }
      }
    })
  }
})

/** A text may be missing only if there was no file, or if the record says why the text is not known. */
function expectPossible(change: Change, possible: ReadonlySet<string>): void {
  for (const text of [change.before, change.after]) {
    if (text !== null && !possible.has(text)) {
      expect.fail(
        `${change.opType} has the state ${JSON.stringify(text.slice(0, 40))} (${text.length})`,
      )
    }
  }
}

describe('a write while something else saves the file', () => {
  for (const name of namesOf.meanwhile) {
    test(`${name} after another program’s truncation: Revert does not empty the file`, async () => {
      const app = open()
      app.write('f.txt', 'known\n')
      await app.run(name)
      await app.changes()
      const editor = fs.openSync(app.at('f.txt'), 'w')
      await app.run(name)
      fs.writeSync(editor, 'editor\n')
      fs.closeSync(editor)
      app.write('f.txt', 'agent\n')
      for (const change of await app.changes()) {
        expect(change.before).not.toBe('')
        await app.revert(change)
      }
      expect(app.read('f.txt')).toBe('agent\n')
    })
  }
})

describe('a write that fails half way', () => {
  for (const name of namesOf.failing) {
    test(`${name} is recorded, and can be undone`, async (context) => {
      const isFull = name.includes('fills the disk')
      const app = open()
      if (isFull) mountDisk(context, 1, app.folder)
      app.write('f.txt', 'precious\n')
      expect(await app.run(name)).not.toBe(null)
      const isNew = name.includes('new file')
      const left = app.read(isNew ? 'new.txt' : 'f.txt')
      const changes = await app.changes()
      expect(changes).toHaveLength(1)
      const [change] = changes
      if (change === undefined) return
      expect(change.before).toBe(isNew ? null : 'precious\n')
      expect(change.after === (left ?? null)).toBe(true)
      expect(await app.revert(change)).toBe(200)
      expect(app.read('f.txt')).toBe('precious\n')
      expect(app.read('new.txt')).toBe(undefined)
    })
  }

  for (const name of namesOf.unchanged) {
    test(`${name}, which changes nothing, is not recorded`, async () => {
      const app = open()
      app.write('f.txt', 'precious\n')
      expect(await app.run(name)).not.toBe(null)
      expect(await app.changes()).toEqual([])
      expect(app.read('f.txt')).toBe('precious\n')
    })
  }
})

describe('an atomic save', () => {
  for (const name of namesOf.saves) {
    test(`by ${name} is an edit, and Revert leaves only the target`, async () => {
      const app = open()
      app.write('f.txt', 'before\n')
      expect(await app.run(name)).toBe(null)
      const changes = await app.changes()
      expect(changes).toMatchObject([
        {
          opType: 'edit',
          path: 'f.txt',
          before: 'before\n',
          after: saved,
          linesAdded: 1,
          linesRemoved: 1,
        },
      ])
      for (const change of changes) expect(await app.revert(change)).toBe(200)
      expect([app.files(), app.read('f.txt')]).toEqual([['f.txt'], 'before\n'])
    })

    test(`by ${name} of a new file is a creation, and Revert leaves nothing`, async () => {
      const app = open()
      expect(await app.run(name)).toBe(null)
      const changes = await app.changes()
      expect(changes).toMatchObject([
        { opType: 'create', path: 'f.txt', before: null, after: saved },
      ])
      for (const change of changes) expect(await app.revert(change)).toBe(200)
      expect(app.files()).toEqual([])
    })
  }
})
