import { describe, expect, test } from 'vitest'
import { parseChange, parseChanges } from '../../src/changes/change.js'
import { toPieces, toVisible, toVisibleLines } from '../../src/changes/visible-text.js'
import {
  ageInWords,
  choicesAfter,
  kindInWords,
  notesInWords,
  stateInWords,
} from '../../src/changes/words.js'

describe('text that could mislead', () => {
  test.each([
    ['\u001b[31mred\u001b[0m', '␛[31mred␛[0m'],
    ['a\u202egpj.exe', 'aU+202Egpj.exe'],
    ['ze\u200bro\ufeff', 'zeU+200BroU+FEFF'],
    ['bell\u0007 nul\0 del\u007f csi\u009b', 'bell␇ nul␀ del␡ csiU+009B'],
    ['\ud800 alone', 'U+D800 alone'],
    ['tag\u{e0041}', 'tagU+E0041'],
    ['line\nbreak\r', 'line␊break␍'],
    ['next\u0085 line\u2028', 'nextU+0085 lineU+2028'],
    ['filler\u3164 grapheme\u034f', 'fillerU+3164 graphemeU+034F'],
    // A joiner that joins nothing, a selector that selects nothing, and a row of selectors.
    ['pa\u200dy\u200cpal', 'paU+200DyU+200Cpal'],
    ['\u{1f469}\u200d', '\u{1f469}U+200D'],
    [' \ufe0f', ' U+FE0F'],
    ['\u2764\ufe0f\ufe0f\u{e0101}', '\u2764\ufe0fU+FE0FU+E0101'],
  ])('%j is shown as %j', (text, shown) => {
    expect(toVisible(text)).toBe(shown)
  })

  test('what does not mislead stays: tabs, accents, other scripts, emoji, markup', () => {
    const text = '\tGrüße עברית 漢字 👩🏽 <b>&amp;</b>'
    expect(toPieces(text)).toEqual([{ text, isControl: false }])
  })

  test.each([
    [
      'a family, a technologist, a heart on fire',
      '👨\u200d👩\u200d👧 👩🏽\u200d💻 ❤\ufe0f\u200d🔥',
    ],
    ['a keycap and a variant of a Han character', '1\ufe0f⃣ 葛\u{e0100}'],
    ['Persian', 'می\u200cخواهم'],
    ['Hindi and Sinhala', 'क्\u200dष ශ්\u200dරී'],
  ])('joiners and selectors that the text needs stay: %s', (_what, text) => {
    expect(toVisible(text)).toBe(text)
  })

  test('in several lines the line ends stay, and nothing else that a single line would show', () => {
    expect(toVisibleLines('a\n\tb\r\nc\rd\u202e\n')).toBe('a\n\tb\r\nc␍dU+202E\n')
  })
})

describe('what is said', () => {
  test.each([
    [undefined, undefined, ['accept', 'reject', 'revert']],
    [{ type: 'accept', outcome: 'kept' }, 'Accepted', ['reject', 'revert']],
    [{ type: 'reject', outcome: 'kept' }, 'Rejected', ['accept', 'revert']],
    [{ type: 'reject', outcome: 'restored' }, 'Rejected and reverted', []],
    [{ type: 'revert', outcome: 'restored' }, 'Reverted', []],
    [{ type: 'revert', outcome: 'restored_with_later_edits' }, 'Reverted, later edits kept', []],
    [{ type: 'revert', outcome: 'conflict' }, undefined, ['accept', 'reject', 'revert']],
    [{ type: 'revert', outcome: 'missing' }, undefined, ['accept', 'reject', 'revert']],
  ])('of %j: %s, and what can be decided then', (partial, label, choices) => {
    const decision = partial && { ...partial, decidedAt: undefined, source: undefined }
    expect(stateInWords(decision)?.label).toBe(label)
    expect(choicesAfter(decision)).toEqual(choices)
  })

  test('of kinds and times', () => {
    expect(kindInWords('edit')).toBe('Edited')
    expect(kindInWords('teleport')).toBe('teleport')
    const now = Date.parse('2026-06-01T12:00:00Z')
    expect(ageInWords('2026-06-01T11:59:30Z', now)).toBe('just now')
    expect(ageInWords('2026-06-01T11:18:00Z', now)).toBe('42 min ago')
    expect(ageInWords('2026-06-01T09:00:00Z', now)).toBe('3 h ago')
    expect(ageInWords('2026-05-30T12:00:00Z', now)).toMatch(/30/)
    expect(ageInWords('no time', now)).toBe('')
    expect(ageInWords(undefined, now)).toBe('')
  })

  test('notes say only what the diff does not show', () => {
    const notesOf = (facts: object) => {
      const change = parseChange({ opId: 'a', path: 'b', opType: 'edit', ...facts })
      return change && notesInWords(change)
    }
    expect(notesOf({ source: 'fs' })).toEqual([])
    expect(
      notesOf({ source: 'process', errorType: 'ENOSPC', isAfterGap: true, isShared: true }),
    ).toEqual([
      'Something that is not recorded changed the file before this.',
      'A command changed it.',
      'Another tool call or command may have done it.',
      'The call failed (ENOSPC) half way.',
    ])
  })
})

describe('an answer of the routes', () => {
  test('is taken with what it has; what is missing is not 0', () => {
    expect(parseChange({ opId: 'a', path: 'b', opType: 'edit', linesAdded: null })).toMatchObject({
      opId: 'a',
      linesAdded: undefined,
      linesRemoved: undefined,
      binary: false,
      decision: undefined,
    })
  })

  test('loses entries that are none, and is nothing when it is no list', () => {
    const good = { opId: 'a', path: 'b', opType: 'edit' }
    expect(parseChanges({ changes: [null, 5, { path: 'b' }, good] })).toHaveLength(1)
    for (const body of [undefined, null, [], {}, { changes: {} }, '<!doctype html>']) {
      expect(parseChanges(body)).toBe(undefined)
    }
  })
})
