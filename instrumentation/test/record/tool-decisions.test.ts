import { expect, test } from 'vitest'
import { decisionInPath, decisionsIn, isRefusal } from '../../src/record/tool-decisions.ts'

const [a, b] = [{ id: 'toolu_a' }, { id: 'toolu_b' }]

function found(request: unknown, calls = [a, b]): string {
  return decisionsIn(request, calls)
    .map(({ call, type, reason }) => [call.id, type, reason].filter(Boolean).join(' '))
    .join(', ')
}

test.each([
  ['the app’s own object, by id', { tool_call_id: 'toolu_a', approve: true }, 'toolu_a accept'],
  [
    'in a list',
    { calls: [{ id: 'toolu_a', decision: 'denied', reason: 'no' }] },
    'toolu_a reject no',
  ],
  [
    'both calls',
    [
      { id: 'toolu_a', approved: true },
      { id: 'toolu_b', approved: false },
    ],
    'toolu_a accept, toolu_b reject',
  ],
  [
    'the AI SDK’s messages',
    {
      messages: [
        {
          role: 'assistant',
          content: [{ type: 'tool-approval-request', approvalId: 'x', toolCallId: 'toolu_b' }],
        },
        {
          role: 'tool',
          content: [
            { type: 'tool-approval-response', approvalId: 'x', approved: false, reason: 'r' },
          ],
        },
      ],
    },
    'toolu_b reject r',
  ],
  [
    'the AI SDK’s parts of a page',
    {
      messages: [
        {
          parts: [
            {
              type: 'tool-write',
              toolCallId: 'toolu_a',
              state: 'approval-responded',
              approval: { id: 'x', approved: true },
            },
          ],
        },
      ],
    },
    'toolu_a accept',
  ],
  [
    'LangChain’s decisions, in the order of the calls',
    { resume: { decisions: [{ type: 'approve' }, { type: 'reject', message: 'm' }] } },
    'toolu_a accept, toolu_b reject m',
  ],
  [
    'LangChain’s edit',
    { command: { resume: [{ type: 'edit', args: {} }, { type: 'ignore' }] } },
    'toolu_a accept',
  ],
  ['fewer decisions than calls', { resume: { decisions: [{ type: 'approve' }] } }, ''],
  ['all calls, without an id', { approve: true }, 'toolu_a accept, toolu_b accept'],
  [
    'all calls, in a member',
    { chat: 'c', data: { decision: 'denied', reason: 'r' } },
    'toolu_a reject r, toolu_b reject r',
  ],
  ['a list of ids', { approve: true, ids: ['toolu_b', 'other'] }, 'toolu_b accept'],
  ['a word that is not the named call’s', { approve: true, about: { id: 'toolu_a' } }, ''],
  ['one word in a list, for two calls', { resume: [{ type: 'accept' }] }, ''],
  ['an object that says both', { id: 'toolu_a', approved: true, rejected: true }, ''],
  ['an object that says nothing', { id: 'toolu_a', type: 'tool_use', name: 'write' }, ''],
  ['the call’s arguments', { id: 'toolu_a', input: { approved: true } }, ''],
  ['text', 'approve toolu_a', ''],
  ['nothing', undefined, ''],
])('%s', (_name, request, decisions) => {
  expect(found(request)).toBe(decisions)
})

test.each([
  [{ approve: true }, 'toolu_a accept'],
  [{ resume: false }, 'toolu_a reject'],
  [{ approve: 'true' }, 'toolu_a accept'],
  [{ approve: 'maybe' }, ''],
  [{ data: { action: 'reject', message: 'wrong file' } }, 'toolu_a reject wrong file'],
  [[{ type: 'accept', args: null }], 'toolu_a accept'],
  [{ resume: [{ type: 'response', args: 'use another name' }] }, ''],
  [{ message: 'no' }, 'toolu_a reject'],
  ['yes', 'toolu_a accept'],
  [{ message: 'no, use another name' }, ''],
  [{ cancelled: true }, ''],
])('of the only call: %j', (request, decisions) => {
  expect(found(request, [a])).toBe(decisions)
})

test('a path may name the call and the decision', () => {
  expect(decisionInPath('/calls/toolu_b/approve', [a, b])).toEqual([{ call: b, type: 'accept' }])
  expect(decisionInPath('/calls/toolu_b/result', [a, b])).toEqual([])
  expect(decisionInPath('/calls/other/reject', [a, b])).toEqual([])
})

test('circles and depth do no harm', () => {
  const circle: { self?: unknown; id: string; approve: boolean } = { id: 'toolu_a', approve: true }
  circle.self = circle
  expect(found(circle)).toBe('toolu_a accept')
})

test.each([
  ['User rejected the tool call for `write` with id toolu_a', false, true],
  ["The user doesn't want to proceed with this tool use.", true, true],
  ['User denied.', true, true],
  ['User denied.', false, false],
  ['Permission denied', true, false],
  ['Interrupted by the user', true, false],
  ['The log says: user rejected the tool call', true, false],
])('%j (error: %s) is a refusal: %s', (content, isError, expected) => {
  expect(isRefusal({ content, isError })).toBe(expected)
})
