/**
 * Diffs and counts of lines that a client has not made itself, of files whose text it sent before and after. A service,
 * and bounded as one: beyond its limits an operation stays without.
 */
import { FILE_HEADERS_ONLY, formatPatch, structuredPatch } from 'diff'
import type { MemberValue } from './member-values.ts'
import { textOf } from './place.ts'
import type { PlainEvent } from './read-event.ts'

/** Characters of before and after together. */
export const diffedLengthMax = 1024 ** 2
/** A request holds up others for this long at most. */
const requestMillisecondsMax = 500
const diffMillisecondsMax = 100
const contextLines = 3

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

interface Files {
  readonly path: string
  readonly previousPath: string
  /** Absent: there was no file. */
  readonly before: string | undefined
  readonly after: string | undefined
}

/** What can be compared, where the client has said nothing about the difference. */
function filesOf(event: PlainEvent): Files | undefined {
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
  return { path, previousPath: textOf(event, 'previousPath') ?? path, before, after }
}

/** It is text, or there was no file for certain. */
function isSideKnown(
  { members }: PlainEvent,
  name: string,
  { isNone }: { readonly isNone: boolean },
): boolean {
  const value = members.get(name)
  return value === undefined ? isNone : value.kind === 'text' && !value.text.includes('\0')
}

/** Undefined when it takes too long. */
function diffOf({ path, previousPath, before, after }: Files): [string, MemberValue][] | undefined {
  const patch = structuredPatch(
    before === undefined ? '/dev/null' : `a/${previousPath}`,
    after === undefined ? '/dev/null' : `b/${path}`,
    before ?? '',
    after ?? '',
    undefined,
    undefined,
    { context: contextLines, timeout: diffMillisecondsMax },
  )
  if (patch === undefined) return undefined
  const lines = patch.hunks.flatMap((hunk) => hunk.lines)
  const count = (mark: string): MemberValue => ({
    kind: 'count',
    count: BigInt(lines.filter((line) => line.startsWith(mark)).length),
  })
  const counts: [string, MemberValue][] = [
    ['locAdded', count('+')],
    ['locRemoved', count('-')],
  ]
  if (patch.hunks.length === 0) return counts
  return [['unifiedDiff', { kind: 'text', text: formatPatch(patch, FILE_HEADERS_ONLY) }], ...counts]
}
