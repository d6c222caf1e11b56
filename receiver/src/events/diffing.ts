/**
 * Makes the diff and the counts of lines that a client did not send, when it sent the file's text before and after. Bounded
 * in length and time: beyond the limits the operation has neither.
 */
import { type DiffInput, unifiedDiff } from '@turnlog/conventions/content/unified-diff'
import type { MemberValue } from './member-values.ts'
import { type PlainEvent, textOf } from './read-event.ts'

/** Characters of before and after together. */
export const diffedLengthMax = 1024 ** 2
/** Longer would delay other requests. */
const requestMillisecondsMax = 500
const diffMillisecondsMax = 100

/** For one request. */
export function openDiffing(): { complete(event: PlainEvent): PlainEvent } {
  let milliseconds = 0
  return {
    complete(event) {
      const files = filesOf(event)
      if (files === undefined || milliseconds > requestMillisecondsMax) return event
      const startedAt = performance.now()
      const made = diffOf(files)
      milliseconds += performance.now() - startedAt
      if (made === undefined) return event
      return { ...event, isDiffed: true, members: new Map([...event.members, ...made]) }
    },
  }
}

/** The files to compare; undefined when the client sent a diff or counts itself. */
function filesOf(event: PlainEvent): DiffInput | undefined {
  if (event.type !== 'FileOperation') return undefined
  if (['unifiedDiff', 'locAdded', 'locRemoved'].some((name) => event.members.has(name))) {
    return undefined
  }
  const opType = textOf(event, 'opType')
  const isKnown =
    isSideKnown(event, 'beforeContent', { isNone: opType === 'create' }) &&
    isSideKnown(event, 'afterContent', { isNone: opType === 'delete' })
  const before = textOf(event, 'beforeContent')
  const after = textOf(event, 'afterContent')
  if (!isKnown || (before?.length ?? 0) + (after?.length ?? 0) > diffedLengthMax) return undefined
  const path = textOf(event, 'path') ?? ''
  return { path, previousPath: textOf(event, 'previousPath'), before, after }
}

/** The side is text, or there was certainly no file. */
function isSideKnown(
  { members }: PlainEvent,
  name: string,
  { isNone }: { readonly isNone: boolean },
): boolean {
  const value = members.get(name)
  return value === undefined ? isNone : value.kind === 'text' && !value.text.includes('\0')
}

/** Undefined when comparing takes too long. */
function diffOf(files: DiffInput): [string, MemberValue][] | undefined {
  const made = unifiedDiff(files, { millisecondsMax: diffMillisecondsMax })
  if (made.isWholeFile) return undefined
  const counts: [string, MemberValue][] = [
    ['locAdded', { kind: 'count', count: BigInt(made.linesAdded) }],
    ['locRemoved', { kind: 'count', count: BigInt(made.linesRemoved) }],
  ]
  return made.diff === '' ? counts : [['unifiedDiff', { kind: 'text', text: made.diff }], ...counts]
}
