/** Which tool calls and turns a change by native code may belong to. */
import { expect, test } from 'vitest'
import { type ChildWindow, type WindowKind, windowsOf } from '../../src/workspace/child-window.ts'

function windowAt(id: number, kind: WindowKind, startedAt: number): ChildWindow {
  return {
    id,
    opened: id,
    kind,
    startedAt,
    seenAt: undefined,
    lookedBefore: undefined,
    isOfDatabases: false,
    isStamped: false,
    endedAt: undefined,
    hasExited: false,
    isTurnOver: false,
    hasLeft: false,
    servesSince: undefined,
  }
}

const idsOf = (windows: readonly ChildWindow[], at: number) =>
  windowsOf(windows, { from: at, to: at }).map(({ id }) => id)

const turn = windowAt(1, 'turn', 1_000_000.5)
const call = windowAt(2, 'call', 1_000_100.5)

test('a tool call claims what its turn could claim, and a child what the tool call could', () => {
  expect(idsOf([turn, call], 1_000_200.5)).toEqual([2])
  expect(idsOf([turn, call, windowAt(3, 'child', 1_000_150.5)], 1_000_200.5)).toEqual([3])
  expect(idsOf([turn, call], 1_000_050.5)).toEqual([1])
})

test('a stamp between the begins of two calls of one answer does not show which of them it was', () => {
  expect(idsOf([turn, call, windowAt(3, 'call', 1_000_104.5)], 1_000_102.5)).toEqual([2, 3])
})
