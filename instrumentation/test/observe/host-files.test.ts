/** The content of a path is read without harm to the host. */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { HostFiles } from '../../src/observe/host-files.ts'

const commitsAndCloses = `
  const { DatabaseSync } = require('node:sqlite')
  const database = new DatabaseSync(process.argv[1])
  database.exec("insert into words values ('theirs')")
  database.close()
`

test('a database that is read keeps its locks: what the host commits later is not lost', () => {
  const { file, files, database } = openDatabase()
  database.exec('pragma journal_mode = wal; create table words (word text)')

  expect(files.read(file)).toMatchObject({ state: 'content' })
  // Its close deletes the log, unless somebody has a lock on the database.
  execFileSync(process.execPath, ['--no-warnings', '-e', commitsAndCloses, file])
  database.exec("insert into words values ('ours')")
  database.close()

  const reader = new DatabaseSync(file)
  onTestFinished(() => reader.close())
  expect(reader.prepare('select word from words').all()).toEqual([
    { word: 'theirs' },
    { word: 'ours' },
  ])
})

test('the descriptor of a database is closed once the host has closed it', () => {
  const { file, files, database } = openDatabase()
  database.exec('create table words (word text)')
  files.read(file)
  expect(descriptorsOf(file)).toBe(2)
  database.close()
  files.read(file)
  expect(descriptorsOf(file)).toBe(0)
})

function openDatabase() {
  const workspace = fs.mkdtempSync(path.join(tmpdir(), 'host-files-'))
  onTestFinished(() => fs.rmSync(workspace, { recursive: true }))
  const file = path.join(workspace, 'a.db')
  const files = new HostFiles({ workspace, ownFolders: [], contentBytesMax: 1024 ** 2 })
  const database = new DatabaseSync(file)
  return { file, files, database }
}

function descriptorsOf(file: string): number {
  const { ino } = fs.statSync(file)
  const open = fs.readdirSync('/dev/fd').map((name) => {
    try {
      return fs.fstatSync(Number(name)).ino
    } catch {
      return undefined
    }
  })
  return open.filter((each) => each === ino).length
}

test('some files of a folder are found, however late it is', () => {
  const workspace = fs.mkdtempSync(path.join(tmpdir(), 'host-files-'))
  onTestFinished(() => fs.rmSync(workspace, { recursive: true }))
  fs.mkdirSync(path.join(workspace, 'in/ner'), { recursive: true })
  for (const name of ['a', 'in/b', 'in/ner/c']) fs.writeFileSync(path.join(workspace, name), '')
  const files = new HostFiles({ workspace, ownFolders: [], contentBytesMax: 1024 ** 2 })
  const until = performance.now() - 1
  const walk = (filesMin: number) => files.walk(workspace, { filesMin, filesMax: 10, until })
  expect(walk(10)).toMatchObject({ files: ['a', 'in/b', 'in/ner/c'], isPartial: false })
  expect(walk(1)).toMatchObject({ files: ['a'], isPartial: true })
})
