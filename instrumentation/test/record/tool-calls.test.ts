import { type Context, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { callOfFile } from '../../src/record/call-of-file.ts'
import type { Recorder } from '../../src/record/recorder.ts'
import type { ToolCall } from '../../src/record/tool-call.ts'
import { ToolCalls } from '../../src/record/tool-calls.ts'

function calls() {
  const ended: string[] = []
  let clock = 0
  const recorder = {
    tracer: {
      startSpan: (name: string) => ({
        spanContext: () => ({ spanId: name }),
        setAttribute: (key: string, value: unknown) => ended.push(`${name} ${key}=${value}`),
        setAttributes: () => undefined,
        end: (at: number | undefined) => ended.push(`${name} ends at ${at ?? 'its end'}`),
      }),
    },
    content: () => undefined,
    note: () => undefined,
    startAgain: (_: Span, at: number) => ended.push(`begins at ${at}`),
  } as unknown as Recorder
  const toolCalls = new ToolCalls(recorder, () => clock)
  const openTools = new Map<string, ToolCall>()
  const owner = {
    span: undefined,
    createdFiles: new Set<string>(),
    openTools,
    toolEnded: (id: string) => void openTools.delete(id),
  }
  const by = { spanContext: () => ({ spanId: 'chat' }) } as unknown as Span
  return {
    toolCalls,
    openTools,
    ended,
    by,
    owner,
    begin: (id: string | undefined, json = '{}', name = String(id)) =>
      toolCalls.begin({ id, name, arguments: json }, { parent: {} as Context, owner }),
    passes: (ms: number) => (clock += ms),
  }
}

const ownerOf = (open: Iterable<ToolCall>, path: string, activeSpanId?: string) => {
  const span = { spanContext: () => ({ spanId: activeSpanId }) } as unknown as Span
  const { call, isShared } = callOfFile(open, {
    names: [path, `/w/${path}`],
    absolute: `/w/${path}`,
    active: activeSpanId === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, span),
  })
  return [call?.id, isShared]
}

test('a call ends once, when the model is sent its result', () => {
  const { begin, toolCalls, ended, by, openTools } = calls()
  begin('a')
  begin('a')
  toolCalls.finish('a', by, 1)
  toolCalls.finish('a', by, 2)
  expect(ended).toEqual(['execute_tool a ends at its end'])
  expect([toolCalls.size, openTools.size]).toEqual([0, 0])
})

test('calls without ids are open side by side, and end one by one', () => {
  const { toolCalls, begin, ended, by, openTools } = calls()
  begin(undefined, '{}', 'one')
  begin(undefined, '{}', 'two')
  const [one, two] = [...toolCalls.openCalls()].map(({ key }) => key)
  toolCalls.finish(String(two), by, 1)
  expect(ended).toEqual(['execute_tool two ends at its end'])
  expect([...openTools.keys()]).toEqual([one])
})

test('an SDK that runs the call gets its span, and sets its times', () => {
  const { begin, toolCalls, ended, by, passes } = calls()
  begin('a')
  passes(7)
  const now = { owners: [], at: 5 }
  const span = toolCalls.join({ id: 'a', name: '' }, now)
  expect(toolCalls.join({ id: 'a', name: '' }, now)).toBeUndefined()
  expect(toolCalls.join({ id: 'b', name: '' }, now)).toBeUndefined()
  expect(ended.splice(0)).toEqual([
    'execute_tool a turnlog.tool_call.inferred=false',
    'begins at 5',
  ])
  span?.end()
  expect(ended).toEqual([])
  passes(100)
  toolCalls.finish('a', by, 1)
  expect(ended).toEqual(['execute_tool a ends at 7'])
})

test('an SDK that names no id gets the call of its turn with equal arguments, else the first of that tool', () => {
  const { begin, toolCalls, owner } = calls()
  begin('a', '{"x":1}', 'write')
  begin('b', '{"x":2}', 'write')
  begin('c', '{"x":3}', 'read')
  const use = { name: 'write' }
  const isOf = (span: Span | undefined) => span?.spanContext().spanId
  const facts = { owners: [owner], at: 0 }
  expect(toolCalls.join(use, { ...facts, owners: [] })).toBeUndefined()
  expect(isOf(toolCalls.join({ ...use, arguments: '{ "x": 2 }' }, facts))).toBe(
    'execute_tool write',
  )
  expect([...toolCalls.openCalls()].map(({ isJoined }) => isJoined)).toEqual([false, true, false])
  toolCalls.join(use, facts)
  expect([...toolCalls.openCalls()].map(({ isJoined }) => isJoined)).toEqual([true, true, false])
  expect(toolCalls.join(use, facts)).toBeUndefined()
})

test('a span that ends claims one inferred call of its turn, open or ended', () => {
  const { begin, toolCalls, owner, ended, by } = calls()
  begin('a', '{}', 'write')
  begin('b', '{}', 'write')
  const facts = { owner, endTime: [3, 0] satisfies [number, number] }
  expect(toolCalls.claim({ name: 'read' }, facts)).toBe(false)
  toolCalls.finish('a', by, 1)
  expect(toolCalls.claim({ name: 'write' }, facts)).toBe(true)
  toolCalls.finish('b', by, 1)
  expect(ended).toEqual(['execute_tool write ends at its end', 'execute_tool write ends at 3,0'])
  expect(toolCalls.claim({ name: 'write' }, facts)).toBe(true)
  expect(toolCalls.claim({ name: 'write' }, facts)).toBe(false)
})

test('a call that is never answered is left unfinished, the oldest of too many too', () => {
  const { begin, toolCalls, ended, openTools } = calls()
  for (let count = 0; count <= 1_000; count += 1) begin(`t${count}`)
  expect(toolCalls.size).toBe(1_000)
  expect(ended).toEqual([
    'execute_tool t0 turnlog.tool_call.unfinished=true',
    'execute_tool t0 ends at its end',
  ])
  openTools.get('t1')?.leaveUnfinished()
  expect(toolCalls.size).toBe(999)
})

test('a file belongs to the active call, the only one, or the one that names it', () => {
  const { begin, openTools } = calls()
  expect(ownerOf(openTools.values(), 'x.txt')).toEqual([undefined, false])
  begin('a', '{"path":"x.txt"}')
  expect(ownerOf(openTools.values(), 'other.txt')).toEqual(['a', false])
  begin('b', '{"edits":[{"file":"/w/y.txt"}]}')
  expect(ownerOf(openTools.values(), 'x.txt')).toEqual(['a', false])
  expect(ownerOf(openTools.values(), 'y.txt')).toEqual(['b', false])
  expect(ownerOf(openTools.values(), 'z.txt')).toEqual([undefined, true])
  expect(ownerOf(openTools.values(), 'z.txt', 'execute_tool b')).toEqual(['b', false])
})

test('calls that name the same file get it in their order, and share it', () => {
  const { begin, openTools } = calls()
  begin('a', '{"path":"x.txt"}')
  begin('b', '{"path":"x.txt"}')
  expect(ownerOf(openTools.values(), 'x.txt')).toEqual(['a', true])
  openTools.get('a')?.changed.add('/w/x.txt')
  expect(ownerOf(openTools.values(), 'x.txt')).toEqual(['b', true])
  openTools.get('b')?.changed.add('/w/x.txt')
  expect(ownerOf(openTools.values(), 'x.txt')).toEqual(['b', true])
})

test('long arguments name their files too, but not a file that only a text in them mentions', () => {
  const { begin, openTools } = calls()
  const content = `${'y'.repeat(1024 ** 2)} "b.txt" `
  begin('a', JSON.stringify({ path: 'a.txt', content }))
  begin('b', JSON.stringify({ path: 'b.txt' }))
  expect(ownerOf(openTools.values(), 'a.txt')).toEqual(['a', false])
  expect(ownerOf(openTools.values(), 'b.txt')).toEqual(['b', false])
})

test('arguments that are not JSON name nothing', () => {
  const { begin, openTools } = calls()
  begin('a', 'x.txt')
  begin('b', '{"path":')
  expect(ownerOf(openTools.values(), 'x.txt')).toEqual([undefined, true])
})
