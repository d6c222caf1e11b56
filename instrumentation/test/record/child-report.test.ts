import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import {
  ChildReports,
  isOwnerOpen,
  recordedByChildren,
  reportFiles,
  reportsOf,
} from '../../src/record/child-report.ts'
import { makeWorkspace } from '../support/workspace.ts'

const turn = 'a'.repeat(32)
const [call, other] = ['b'.repeat(16), 'c'.repeat(16)]

test('the last state of each file that a child has recorded is found', () => {
  using workspace = makeWorkspace({ 'a.txt': 'one', 'b.txt': 'two', 'gone.txt': '' })
  const [a, b, gone] = ['a.txt', 'b.txt', 'gone.txt'].map((name) =>
    path.join(workspace.folder, name),
  )
  if (a === undefined || b === undefined || gone === undefined) throw new Error('no files')
  const reports = new ChildReports(workspace.spool)
  const folder = reports.open(turn, call)
  if (folder === undefined) throw new Error('no folder')
  expect(folder).toBe(reportsOf(workspace.spool, turn))
  reportFiles(folder, [a])
  fs.writeFileSync(a, 'longer')
  fs.rmSync(gone)
  reportFiles(folder, [a, gone])
  reportFiles(folder, [b])
  const { size, mtimeNs, ino } = fs.statSync(a, { bigint: true })
  const found = recordedByChildren(folder)
  expect([...found.keys()]).toEqual([a, gone, b])
  expect(found.get(a)).toEqual({ size, mtimeNs, ino })
  expect(found.get(gone)).toBeUndefined()
})

test('only their user may read the folders and files', () => {
  using workspace = makeWorkspace()
  const folder = new ChildReports(workspace.spool).open(turn, call) ?? ''
  const modes = ['', 'report.jsonl', call].map((name) => {
    const { mode } = fs.statSync(path.join(folder, name))
    return (mode & 0o777).toString(8)
  })
  expect(modes).toEqual(['700', '600', '600'])
})

test('each owner is open until it has ended itself', () => {
  using workspace = makeWorkspace()
  const reports = new ChildReports(workspace.spool)
  const folder = reports.open(turn, call) ?? ''
  reports.open(turn, other)
  reports.ended(turn, call)
  expect([call, other].map((spanId) => isOwnerOpen(folder, spanId))).toEqual([false, true])
})

test('nothing is reported for a turn without a report, or whose report was removed', () => {
  using workspace = makeWorkspace({ 'a.txt': '' })
  const reports = new ChildReports(workspace.spool)
  const folder = reportsOf(workspace.spool, turn)
  reportFiles(folder, [path.join(workspace.folder, 'a.txt')])
  expect(fs.existsSync(folder)).toBe(false)
  expect(recordedByChildren(folder).size).toBe(0)
  reports.open(turn, call)
  reports.remove(turn)
  reportFiles(folder, [path.join(workspace.folder, 'a.txt')])
  expect(fs.readdirSync(path.join(workspace.spool, 'children'))).toEqual([])
})

test('the next process removes after a day what a killed process has left', () => {
  using workspace = makeWorkspace()
  new ChildReports(workspace.spool).open(turn, call)
  const day = 86_400_000
  const open = (afterMs: number): void => {
    const now = () => Date.now() + afterMs
    new ChildReports(workspace.spool, { now }).open('d'.repeat(32), other)
  }
  open(day / 2)
  expect(fs.existsSync(reportsOf(workspace.spool, turn))).toBe(true)
  open(day + 60_000)
  expect(fs.existsSync(reportsOf(workspace.spool, turn))).toBe(false)
})

test('a process with very many turns keeps the newest two hundred reports', () => {
  using workspace = makeWorkspace()
  const reports = new ChildReports(workspace.spool)
  for (let number = 0; number < 210; number += 1) {
    reports.open(number.toString(16).padStart(32, '0'), call)
  }
  expect(fs.readdirSync(path.join(workspace.spool, 'children')).length).toBe(200)
  reports.close()
  expect(fs.readdirSync(path.join(workspace.spool, 'children'))).toEqual([])
})

test('a spool that cannot be made gives no report, and no error', () => {
  using workspace = makeWorkspace()
  fs.writeFileSync(workspace.spool, '')
  const reports = new ChildReports(workspace.spool)
  expect(reports.open(turn, call)).toBeUndefined()
  reports.ended(turn, call)
  reports.close()
})
