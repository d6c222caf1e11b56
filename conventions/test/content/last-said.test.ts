import { expect, test } from 'vitest'
import { withDatabase } from '../../../test/support/postgres.ts'
import { openRandom } from '../../../test/support/random.ts'
import { lastSaid } from '../../src/content/last-said.ts'

test.each([
  ['one message', [{ role: 'user', parts: [{ type: 'text', content: 'hi' }] }], 'hi'],
  [
    'the last of the role',
    [
      { role: 'user', content: 'a' },
      { role: 'user', content: 'b' },
      { role: 'assistant', content: 'c' },
    ],
    'b',
  ],
  [
    'several parts',
    [
      {
        role: 'user',
        parts: [{ type: 'text', content: 'a' }, { type: 'image' }, { type: 'text', content: 'b' }],
      },
    ],
    'a\nb',
  ],
  ['Anthropic’s blocks', [{ role: 'user', content: [{ type: 'text', text: 'a' }] }], 'a'],
  ['another role only', [{ role: 'system', content: 's' }], 's'],
  ['no text', [{ role: 'user', parts: [{ type: 'blob' }] }], undefined],
  ['no messages', [null, 5, 'x', [], {}], undefined],
])('the prompt is the text of %s', (_name, messages, text) => {
  expect(lastSaid(messages, 'user')).toEqual(
    text === undefined ? undefined : { kind: 'text', text },
  )
})

const sha256 = `sha256:${'a'.repeat(64)}`

test.each([
  [
    'one part that travels apart',
    [{ type: 'text', 'content.ref': sha256, 'content.size': 9 }],
    { kind: 'content', reference: { sha256, size: 9 } },
  ],
  [
    'one of several parts',
    [
      { type: 'text', 'text.ref': sha256 },
      { type: 'text', text: 'b' },
    ],
    { kind: 'in parts' },
  ],
  [
    'a part whose JSON travels apart',
    [{ type: 'text', 'content.ref': sha256, 'content.media_type': 'application/json' }],
    { kind: 'in parts' },
  ],
  ['an invalid hash', [{ type: 'text', 'content.ref': 'sha256:abc' }], undefined],
  [
    'a reference beside its content',
    [{ type: 'text', content: 'here', 'content.ref': sha256 }],
    { kind: 'text', text: 'here' },
  ],
])('of %s it gives what is known', (_name, parts, said) => {
  expect(lastSaid([{ role: 'user', parts }], 'user')).toEqual(said)
})

test.each([undefined, null, {}, 5, 'text'])('%j has no text of a message', (messages) => {
  expect(lastSaid(messages, 'user')).toBeUndefined()
})

// SQL reads messages that arrived in parts, JavaScript reads whole messages. Both must find the same text.
test('SQL’s turnlog_said gives the same text (seed 11)', async () => {
  const database = await withDatabase()
  const { below, pick } = openRandom(11)
  const text = () => pick(['', 'a', 'two\nlines', '"quoted" \\', 'ü 🎈', '{"role":"user"}'])
  const maybe = (name: string, value: () => unknown) => (below(2) === 0 ? {} : { [name]: value() })
  const part = () => {
    if (below(6) === 0) return pick([null, 5, 'text', []])
    const away = below(8) === 0 ? { [pick(['content.ref', 'text.ref'])]: sha256 } : undefined
    const here = { ...maybe('content', () => pick([text(), null])), ...maybe('text', text) }
    return { type: pick(['text', 'text', 'text', 'reasoning', 'tool_call']), ...(away ?? here) }
  }
  const parts = () =>
    below(4) === 0 ? pick([text(), null, 5, {}]) : Array.from({ length: below(4) }, part)
  const message = () =>
    below(10) === 0
      ? pick([null, 5, 'text', []])
      : {
          ...maybe('role', () => pick(['user', 'assistant', 'system', null])),
          ...maybe('parts', parts),
          ...maybe('content', parts),
        }
  const lists = Array.from({ length: 3_000 }, () => {
    const messages = Array.from({ length: below(6) }, message)
    return { messages, role: pick(['user', 'assistant']) }
  })
  const rows = await database.query<{ said: string | null }>(
    `select turnlog_said(each ->> 'messages', each ->> 'role') as said
       from jsonb_array_elements($1) with ordinality as list (each, place)
      order by place`,
    [
      JSON.stringify(
        lists.map(({ messages, role }) => ({ messages: JSON.stringify(messages), role })),
      ),
    ],
  )
  const kinds = new Map<string, number>()
  for (const [index, { messages, role }] of lists.entries()) {
    const said = lastSaid(messages, role)
    const kind = said?.kind ?? 'nothing'
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    const expected = said?.kind === 'text' ? said.text : null
    expect(rows[index]?.said, `list ${index}: ${JSON.stringify(messages)} by ${role}`).toBe(
      expected,
    )
  }
  for (const kind of ['text', 'content', 'in parts', 'nothing']) {
    expect(kinds.get(kind), kind).toBeGreaterThan(50)
  }
})
