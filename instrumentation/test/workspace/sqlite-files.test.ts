/** Files of SQLite are recognized by their names and first bytes. */
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import {
  isDatabase,
  isInTransaction,
  isInUse,
  isSideFile,
} from '../../src/workspace/sqlite-files.ts'

test.for([
  ['a.db-wal', true],
  ['a.db-shm', true],
  ['a.db-journal', true],
  ['other.db-wal', false],
  ['a.db', false],
  ['-wal', false],
] as const)('%s beside a.db is a side file: %s', ([name, isBeside]) => {
  expect(isSideFile(name, new Set(['a.db', '-wal', name]))).toBe(isBeside)
})

test('a database is known by its first bytes', () => {
  expect(isDatabase(Buffer.from('SQLite format 3\0…'))).toBe(true)
  expect(isDatabase(Buffer.from('SQLite format 3'))).toBe(false)
  expect(isDatabase(Buffer.alloc(0))).toBe(false)
})

test('a database is in a transaction as long as its journal can undo it', () => {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'sqlite-'))
  onTestFinished(() => fs.rmSync(folder, { recursive: true }))
  const database = path.join(folder, 'a.db')
  expect(isInTransaction(database, fs)).toBe(false)
  fs.writeFileSync(`${database}-journal`, Buffer.from('d9d505f920a163d70000', 'hex'))
  expect(isInTransaction(database, fs)).toBe(true)
  fs.writeFileSync(`${database}-journal`, Buffer.alloc(512))
  expect(isInTransaction(database, fs)).toBe(false)
})

test('a database is in use from the opening of its write-ahead log to the close', () => {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'sqlite-'))
  onTestFinished(() => fs.rmSync(folder, { recursive: true }))
  const file = path.join(folder, 'a.db')
  const database = new DatabaseSync(file)
  database.exec('pragma journal_mode = wal; create table words (word text)')
  expect(isInUse(file, fs)).toBe(true)
  database.close()
  expect(isInUse(file, fs)).toBe(false)
  const again = new DatabaseSync(file)
  again.prepare('select * from words').all()
  expect(fs.statSync(`${file}-wal`).size).toBe(0)
  expect(isInUse(file, fs)).toBe(true)
  again.close()
})

test('a file is not in use because another has a name like that of its log', () => {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'sqlite-'))
  onTestFinished(() => fs.rmSync(folder, { recursive: true }))
  const file = path.join(folder, 'daily')
  for (const end of ['wal', 'journal']) fs.writeFileSync(`${file}-${end}`, 'Notes of the day.')
  expect(isInUse(file, fs)).toBe(false)
})
