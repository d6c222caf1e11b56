/** Which native code counts as one that may write files, and in which times it is followed. */
import { expect, test } from 'vitest'
import { kindOfAddon, type NativeWriter } from '../../src/observe/native-code.ts'
import { NativeWriters } from '../../src/observe/native-writers.ts'
import type { ToolCall } from '../../src/record/tool-call.ts'

test.for([
  ['/app/node_modules/better-sqlite3/build/Release/better_sqlite3.node', 'databases'],
  ['/app/node_modules/sqlite3/build/Release/node_sqlite3.node', 'databases'],
  ['/app/node_modules/@libsql/linux-x64-gnu/index.node', 'databases'],
  ['/app/node_modules/bufferutil/prebuilds/linux-x64/bufferutil.node', 'harmless'],
  ['/app/node_modules/@parcel/watcher-linux-x64-glibc/watcher.node', 'harmless'],
  ['/app/node_modules/@img/sharp-linux-x64/lib/sharp-linux-x64.node', 'any'],
  ['/app/node_modules/@lmdb/lmdb-linux-x64/node.abi115.node', 'any'],
  ['C:\\app\\node_modules\\better-sqlite3\\build\\Release\\better_sqlite3.node', 'databases'],
  ['/app/build/Release/own.node', 'any'],
] as const)('%s: %s', ([file, kind]) => {
  expect(kindOfAddon(file)).toBe(kind)
})

function makeWriters() {
  const seen: string[] = []
  const code: { writer: NativeWriter | undefined } = { writer: undefined }
  let time = 0
  let opened = 0
  const writers = new NativeWriters({
    nativeCode: code,
    now: () => (time += 1),
    workspace: {
      openNative: (_owner, { startedAt, facts, replaces }) => {
        if (replaces === undefined) opened += 1
        const id = replaces?.id ?? opened
        seen.push(`open ${id} since ${startedAt}${facts.isOfDatabases ? ' for databases' : ''}`)
        return { id, compare: (endedAt) => seen.push(`compare ${id} until ${endedAt}`) }
      },
    },
  })
  return { seen, code, writers, call: { span: {} } as unknown as ToolCall }
}

test('without native code the workspace is not compared', () => {
  const { seen, writers, call } = makeWriters()
  writers.callBegan(call, undefined)
  writers.callEnded(call)
  expect(seen).toEqual([])
})

test('native code that a tool call loads counts from the begin of the call', () => {
  const { seen, code, writers, call } = makeWriters()
  writers.callBegan(call, undefined)
  code.writer = 'databases'
  writers.callEnded(call)
  expect(seen).toEqual(['open 1 since 1 for databases', 'compare 1 until 2'])
})

test('an addon that is loaded during the call may have written any file', () => {
  const { seen, code, writers, call } = makeWriters()
  code.writer = 'databases'
  writers.callBegan(call, undefined)
  code.writer = 'any'
  writers.callEnded(call)
  writers.callEnded(call)
  expect(seen).toEqual(['open 1 since 1 for databases', 'open 1 since 1', 'compare 1 until 2'])
})

test('native code that one of several calls loads may have been used by each of them', () => {
  const { seen, code, writers, call } = makeWriters()
  writers.callBegan(call, undefined)
  writers.callBegan({ span: {} } as unknown as ToolCall, undefined)
  code.writer = 'databases'
  writers.callEnded(call)
  expect(seen).toEqual([
    'open 1 since 1 for databases',
    'open 2 since 2 for databases',
    'compare 1 until 3',
  ])
})
