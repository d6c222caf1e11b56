/** Spans of real libraries (`conventions/test/dialects/spans.json`), sealed with what was noted when they ended. */
import { readFileSync } from 'node:fs'
import { instrumentationScope } from '@turnlog/conventions'
import { toldBy } from '@turnlog/conventions/dialects/dialects'
import { expect, test } from 'vitest'
import { sealedIn, sealerOf, startRecording } from '../spool/support.ts'

interface LibrarySpan {
  readonly name: string
  readonly scope: string
  readonly attributes: Readonly<Record<string, unknown>>
}

const file = new URL('../../../conventions/test/dialects/spans.json', import.meta.url)
const recorded: Readonly<Record<string, readonly LibrarySpan[]>> = JSON.parse(
  readFileSync(file, 'utf8'),
)

/** The spans as they are sealed; `note` is what was noted of each. */
function seal(spans: readonly LibrarySpan[], note: object) {
  const { folder, journal, end } = startRecording()
  for (const [index, { name, scope, attributes }] of spans.entries()) {
    const told = toldBy({ name, scope, get: (attribute) => attributes[attribute] })
    const native = told && { role: told.role, ...note }
    end(`span${index}`, { name, attributes, scope: { name: scope } }, { native })
  }
  journal.rotate()
  sealerOf(folder).seal()
  return sealedIn(folder)
}

const packages = Object.entries(recorded).map(
  ([name, spans]) => [name, spans.filter(({ scope }) => scope !== instrumentationScope)] as const,
)

test.each(packages)('%s: what another span records better is not counted', (_, spans) => {
  const sealed = seal(spans, { isRepeated: true, isInTurn: true })
  expect(sealed).toHaveLength(spans.length)
  for (const { attributes } of sealed) {
    expect(attributes['gen_ai.operation.name']).toBeUndefined()
  }
  const repeated = sealed.map(({ attributes }) => attributes['turnlog.repeated_operation'])
  expect(repeated).toContain('chat')
})

test.each(packages)('%s: what no other span records stays as it was made', (_, spans) => {
  const sealed = seal(spans, { isRepeated: false, isInTurn: false })
  for (const [index, { attributes }] of sealed.entries()) {
    expect(attributes).toMatchObject(spans[index]?.attributes ?? {})
    expect(Object.keys(attributes)).not.toContain('turnlog.repeated_operation')
    expect(Object.keys(attributes)).not.toContain('turnlog.agent.in_turn')
  }
})

test('an agent that worked in a turn is not a turn, and keeps its name and its operation', () => {
  const strands = packages.find(([name]) => name.includes('strands'))?.[1] ?? []
  const sealed = seal(strands, { isRepeated: false, isInTurn: true })
  const marked = sealed.filter(({ attributes }) => attributes['turnlog.agent.in_turn'] === true)
  expect(marked.map(({ attributes }) => attributes['gen_ai.operation.name'])).toEqual([
    'invoke_agent',
  ])
})

test('the result of a call that no model was sent is the one that its library has told', () => {
  const [, [call] = []] = Object.entries(recorded).find(([name]) => name.startsWith('ai 5.')) ?? []
  const { folder, journal, end } = startRecording()
  end('tool', { attributes: call?.attributes ?? {} })
  end('none', {
    attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'write_file' },
  })
  journal.rotate()
  sealerOf(folder).seal()
  const results = sealedIn(folder).map(({ attributes }) => attributes['gen_ai.tool.call.result'])
  expect(call?.attributes['ai.toolCall.result']).toBe('"The file is written."')
  expect(results).toEqual(['The file is written.', undefined])
})
