import { expect, test } from 'vitest'
import { attributes, contentNames, jsonContentNames } from '../../src/names/attributes.ts'
import type { AttributeDefinition } from '../../src/names/definition.ts'

// A content wrongly said to be JSON would be searched for references; one wrongly not said so would travel whole.
test('contents that are always JSON are those of messages, instructions, definitions and arguments', () => {
  expect([...jsonContentNames].sort()).toEqual([
    'gen_ai.input.messages',
    'gen_ai.output.messages',
    'gen_ai.system_instructions',
    'gen_ai.tool.call.arguments',
    'gen_ai.tool.definitions',
  ])
  for (const name of jsonContentNames) expect(contentNames).toContain(name)
})

test('the example of a content that is always JSON is JSON', () => {
  const definitions: Readonly<Record<string, AttributeDefinition>> = attributes
  for (const name of jsonContentNames) {
    expect(() => JSON.parse(String(definitions[name]?.example)), name).not.toThrow()
  }
})
