import { homedir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  httpUrl,
  oneOf,
  optional,
  port,
  postgresUrl,
  problemOf,
  problemOfPorts,
  readSettings,
  setting,
  settingRows,
  text,
  wholeNumber,
  xdgFolder,
} from '../src/settings.ts'

const table = {
  days: setting(wholeNumber({ min: 0, max: 30 }), {
    env: 'DAYS',
    default: 7,
    doc: 'How many days.',
  }),
  name: optional(text, { env: 'NAME', doc: 'A name.' }),
  mode: setting(oneOf(['fast', 'slow']), {
    env: 'MODE',
    default: 'fast',
    defaultDoc: 'the fast one',
    doc: 'How.',
  }),
  database: optional(postgresUrl, {
    env: 'DATABASE',
    doc: 'Where.',
    isSecret: true,
  }),
} as const

function read(environment: Record<string, string>) {
  const problems: string[] = []
  const settings = readSettings(table, environment, (...invalid) =>
    problems.push(problemOf(...invalid)),
  )
  return { settings, problems }
}

test('what is absent, empty or blank is the default', () => {
  const defaults = { days: 7, name: undefined, mode: 'fast', database: undefined }
  expect(read({})).toEqual({ settings: defaults, problems: [] })
  expect(read({ DAYS: '', NAME: '  ', MODE: '\t' })).toEqual({ settings: defaults, problems: [] })
})

test('what is set is parsed without the blanks around it', () => {
  const { settings, problems } = read({ DAYS: ' 0 ', NAME: ' a b ', MODE: 'slow' })
  expect(settings).toMatchObject({ days: 0, name: 'a b', mode: 'slow' })
  expect(problems).toEqual([])
})

test('what is invalid is reported, and the default stays; a secret is not shown', () => {
  const { settings, problems } = read({
    DAYS: '31',
    MODE: 'FAST',
    DATABASE: 'mysql://u:secret@h/d',
  })
  expect(settings).toMatchObject({ days: 7, mode: 'fast', database: undefined })
  expect(problems).toEqual([
    "DAYS must be a whole number from 0 to 30, not '31'.",
    "MODE must be fast or slow, not 'FAST'.",
    'DATABASE must be an address such as postgresql://user:password@host/name.',
  ])
})

test('the documents show each setting with its default', () => {
  expect(settingRows(table)).toEqual([
    { env: 'DAYS', default: '`7`', doc: 'How many days.' },
    { env: 'NAME', default: 'none', doc: 'A name.' },
    { env: 'MODE', default: 'the fast one', doc: 'How.' },
    { env: 'DATABASE', default: 'none', doc: 'Where.' },
  ])
})

test.each([
  ['0', undefined],
  ['1', 1],
  ['65535', 65_535],
  ['65536', undefined],
  ['1.5', undefined],
  ['eighty', undefined],
  ['-1', undefined],
])('a port %s is %s', (written, number) => {
  expect(port().parse(written)).toBe(number)
})

test.each([
  ['http://127.0.0.1:4320//', 'http://127.0.0.1:4320'],
  ['https://a.example/b', 'https://a.example/b'],
  ['ftp://x', undefined],
  ['a.example', undefined],
])('the address %s is %s', (written, url) => {
  expect(httpUrl('http://x').parse(written)).toBe(url)
})

test('two settings with one port are refused', () => {
  expect(problemOfPorts({ A: 1, B: 2, C: undefined, D: undefined })).toBeUndefined()
  expect(problemOfPorts({ A: 1, B: 2, C: 1 })).toBe('A and C must differ: both are 1.')
})

test('a relative XDG folder is ignored', () => {
  expect(xdgFolder({ XDG_DATA_HOME: '/data' }, 'XDG_DATA_HOME')).toBe('/data')
  expect(xdgFolder({ XDG_DATA_HOME: 'data' }, 'XDG_DATA_HOME')).toBe(
    join(homedir(), '.local/share'),
  )
})
