import { expect, test } from 'vitest'
import type { ToolResult } from '../../src/models/model-api.ts'
import { findCallsByName, findResult } from '../../src/models/tool-results.ts'

const result = (name: string, content: string, callId?: string): ToolResult => ({
  name,
  content,
  isError: false,
  ...(callId === undefined ? {} : { callId }),
})
const call = (name: string, id?: string, owner?: object) => ({ id, name, owner })

test('a call that was answered by its id is not answered again by its name', () => {
  const calls = [call('read', 'a'), call('read')]
  const results = [result('read', '1', 'a'), result('read', '2')]
  expect(findCallsByName(results, calls, [calls[0] as never])).toEqual([calls[1]])
})

test('a result and a call with different ids do not belong together', () => {
  expect(findCallsByName([result('read', '1', 'a')], [call('read', 'b')], [])).toEqual([])
})

test('a result without an id answers a call that has one', () => {
  const calls = [call('read', 'a'), call('read', 'b')]
  expect(findCallsByName([result('read', '1')], calls, [])).toEqual([calls[0]])
})

test('each turn has its own oldest call', () => {
  const [one, other] = [{}, {}]
  const calls = [
    call('read', undefined, one),
    call('read', undefined, one),
    call('read', 'x', other),
  ]
  expect(findCallsByName([result('read', '1')], calls, [])).toEqual([calls[0], calls[2]])
})

test('of a conversation in which a tool was called often, a call has its own result', () => {
  const results = [
    result('read', 'of an earlier round'),
    result('write', 'w'),
    result('read', 'first'),
    result('read', 'second'),
    result('read', 'by its id', 'a'),
  ]
  const found = (id: string | undefined, later: number) =>
    findResult(results, { id, name: 'read' }, later)?.content
  expect(found(undefined, 0)).toBe('second')
  expect(found(undefined, 1)).toBe('first')
  expect(found('a', 0)).toBe('by its id')
  expect(found('b', 0)).toBe('second')
  expect(findResult(results, { id: undefined, name: 'delete' }, 0)).toBeUndefined()
})

test('a call without an id has the result for which the client has invented one', () => {
  const results = [result('read', 'first', 'made-up-1'), result('read', 'second', 'made-up-2')]
  expect(findResult(results, { id: undefined, name: 'read' }, 1)?.content).toBe('first')
  expect(findResult(results, { id: 'other', name: 'read' }, 0)).toBeUndefined()
})
