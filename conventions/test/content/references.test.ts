import { expect, test } from 'vitest'
import { hashContent } from '../../src/content/description.ts'
import {
  findReference,
  mediaTypes,
  referencesIn,
  writeReference,
} from '../../src/content/references.ts'

const sha256 = hashContent('x')

test('what is written in the place of a member is found again', () => {
  const written = `{${writeReference('content', { sha256, size: 1, mediaType: mediaTypes.text })}}`
  expect(written).toBe(`{"content.ref":"${sha256}","content.size":1}`)
  expect(referencesIn(written)).toEqual([sha256])
  const members = new Map<string, unknown>(Object.entries(JSON.parse(written)))
  expect(findReference(members, 'content')).toEqual({ sha256, size: 1 })
})

test('the JSON of a string says that it is JSON; what is too large says so and has no hash', () => {
  expect(writeReference('a', { sha256, size: 3, mediaType: mediaTypes.json })).toBe(
    `"a.ref":"${sha256}","a.size":3,"a.media_type":"application/json"`,
  )
  expect(writeReference('a', { sha256: undefined, size: 3, mediaType: mediaTypes.text })).toBe(
    '"a.omitted":"too_large","a.size":3',
  )
})

test.each<[string, Record<string, unknown>, object | undefined]>([
  ['a hash alone', { 'K.ref': sha256 }, { sha256 }],
  ['a size as protobuf has it', { 'K.ref': sha256, 'K.size': 5n }, { sha256, size: 5 }],
  ['a size as text', { 'K.ref': sha256, 'K.size': '5' }, { sha256, size: 5 }],
  ['a size that is none', { 'K.ref': sha256, 'K.size': -1 }, { sha256 }],
  ['the value itself beside it', { K: '', 'K.ref': sha256 }, undefined],
  ['no hash', { 'K.ref': 'sha256:abc' }, undefined],
  ['nothing', {}, undefined],
])('of %s', (_name, members, reference) => {
  expect(findReference(new Map(Object.entries(members)), 'K')).toEqual(reference)
})
