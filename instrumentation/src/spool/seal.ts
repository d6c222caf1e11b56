/**
 * Sealing: closed journal files → segments. One recorder's files in their order; each file's records are sealed, put
 * in place and noted in `state.json` before the file goes. A file stays while an open span has contents in it.
 *
 * A crash between any two steps repeats work and never loses it: the same file gives the same segments, records at or
 * below `sealedThrough` are not sealed again, and what was sent twice lands once.
 *
 * What the journal lost (a corrupt record, a missing file) shows as a hole in the sequence and is declared.
 */
import * as path from 'node:path'
import { type AttributeName, instrumentationScope, schemaUrl, severity } from '@turnlog/conventions'
import type { ChangeStore } from '../changes/store.ts'
import type { FileSystem } from '../file-system.ts'
import { quietly } from '../health.ts'
import { createHeldContents } from './held-contents.ts'
import { readRecord, type StoredContent } from './journal-record.ts'
import type { SealedAttributes, SealedRecord } from './otlp-json.ts'
import { toOtlpLog, toOtlpSpan } from './otlp-json.ts'
import type { JournaledLog, JournaledScope, JournaledSpan } from './processor.ts'
import {
  fileName,
  listJournalFiles,
  type RecorderIdentity,
  readState,
  type SealState,
  writeState,
} from './recorder-folder.ts'
import { redactAttributes, sealSpan } from './seal-span.ts'
import { writeSegments } from './segment.ts'
import type { TurnSums } from './turn-sums.ts'

const ownScope: JournaledScope = { name: instrumentationScope, schemaUrl }

export interface SealerOptions {
  readonly fileSystem: FileSystem
  readonly folder: string
  readonly identity: RecorderIdentity
  readonly contentBytesMax: number
  readonly changes: Pick<ChangeStore, 'record'> | undefined
}

/** A range of sequences of which no record is left. */
export interface MissingRange {
  readonly first: number
  readonly last: number
}

type Head = Readonly<Record<string, unknown>>
interface OpenStart {
  readonly span: JournaledSpan
  readonly time: number
}

export type Sealer = ReturnType<typeof createSealer>

export function createSealer(options: SealerOptions) {
  const { fileSystem, folder, identity, contentBytesMax, changes } = options
  const held = createHeldContents(fileSystem)
  const starts = new Map<string, OpenStart>()
  let state: SealState = readState(fileSystem, folder)
  const sums = new Map<string, TurnSums>(Object.entries(state.sums))
  /** The last file that was read to its end, and the last sequence seen in it. */
  let readThrough = 0
  let lastSequence = 0
  let lastTime = identity.startedAt
  let hasSeenRecord = false

  /**
   * Seals every closed file up to `through`; returns the ranges that are missing. Throws what the disk throws: the
   * caller tries again later, and nothing is lost by that.
   */
  function seal(through = Number.POSITIVE_INFINITY): MissingRange[] {
    const missing: MissingRange[] = []
    for (const number of listJournalFiles(fileSystem, folder)) {
      if (number <= readThrough || number > through) continue
      const file = path.join(folder, fileName(number))
      const records: SealedRecord[] = []
      readFile(file, records, missing)
      place(records)
      held.leaveFile(file)
      readThrough = number
      held.limitFiles()
      removeFiles()
    }
    return missing
  }

  function place(records: readonly SealedRecord[]): void {
    writeSegments(fileSystem, folder, records, {
      ...identity.resource,
      ['turnlog.recorder.recorded_through' satisfies AttributeName]: lastSequence,
    })
    state = {
      sealedThrough: Math.max(state.sealedThrough, lastSequence),
      isEnded: state.isEnded,
      sums: Object.fromEntries(sums),
    }
    writeState(fileSystem, folder, state)
  }

  /** A file goes when its records are in place and no open span needs it; earlier ones first, so that no hole shows. */
  function removeFiles(): void {
    for (const number of listJournalFiles(fileSystem, folder)) {
      const file = path.join(folder, fileName(number))
      if (number > readThrough) return
      if (!held.isUsed(file)) fileSystem.unlinkSync(file)
    }
  }

  function readFile(file: string, records: SealedRecord[], missing: MissingRange[]): void {
    const bytes = fileSystem.readFileSync(file)
    let offset = 0
    for (;;) {
      const result = readRecord(bytes, offset)
      if (result.status === 'end' || result.status === 'torn') return
      if (result.status === 'record') takeSafely(result, file, records, missing)
      offset = result.next
    }
  }

  /** A record that cannot be sealed never blocks those behind it: it is missing, and declared so. */
  function takeSafely(
    { head, contents }: { readonly head: Head; readonly contents: readonly StoredContent[] },
    file: string,
    records: SealedRecord[],
    missing: MissingRange[],
  ): void {
    const isTaken = quietly('seal a record', () => {
      take(head, contents, file, records, missing)
      return true
    })
    const sequence = head['s']
    if (isTaken === true || typeof sequence !== 'number') return
    if (sequence > state.sealedThrough) missing.push({ first: sequence, last: sequence })
  }

  function take(
    head: Head,
    contents: readonly StoredContent[],
    file: string,
    records: SealedRecord[],
    missing: MissingRange[],
  ): void {
    if (typeof head['t'] === 'number') lastTime = Math.max(lastTime, head['t'])
    switch (head['k']) {
      case 'header':
        takeHeader(head)
        return
      case 'start':
        takeStart(head)
        return
      case 'content':
        for (const content of contents) {
          held.add(String(head['id']), Number(head['x']), content, file)
        }
        return
      case 'wire': {
        const { k: _kind, t: _time, id, x, ...facts } = head
        held.addWire(String(id), Number(x), facts)
        return
      }
      case 'discard':
        held.end(String(head['id']))
        starts.delete(String(head['id']))
        return
      case 'end':
        state = { ...state, isEnded: true }
        return
      case 'span':
      case 'log':
        takeRecord(head, contents, records, missing)
        return
    }
  }

  function takeHeader(head: Head): void {
    if (!Array.isArray(head['open'])) return
    for (const open of head['open']) if (isObject(open)) takeStart(open)
  }

  function takeStart(head: Head): void {
    const id = String(head['id'])
    if (!isObject(head['span']) || starts.has(id)) return
    starts.set(id, {
      span: head['span'] as unknown as JournaledSpan,
      time: typeof head['t'] === 'number' ? head['t'] : lastTime,
    })
  }

  function takeRecord(
    head: Head,
    contents: readonly StoredContent[],
    records: SealedRecord[],
    missing: MissingRange[],
  ): void {
    const sequence = head['s']
    if (typeof sequence !== 'number') return
    const isHole = sequence > Math.max(lastSequence, state.sealedThrough) + 1
    if (isHole && (hasSeenRecord || state.sealedThrough > 0 || sequence > 1)) {
      const first = Math.max(lastSequence, state.sealedThrough) + 1
      if (!declares(head, first)) missing.push({ first, last: sequence - 1 })
    }
    hasSeenRecord = true
    lastSequence = Math.max(lastSequence, sequence)
    const isSealed = sequence <= state.sealedThrough
    const id = String(head['id'])
    if (head['k'] === 'log') {
      if (!isSealed) records.push(sealLog(head, contents, sequence))
      return
    }
    if (!isSealed) {
      const span = withContents(head['span'], contents) as JournaledSpan
      records.push(sealEnd(span, isObject(head['n']) ? head['n'] : {}, sequence, {}))
    }
    held.end(id)
    starts.delete(id)
  }

  function sealEnd(
    journaled: JournaledSpan,
    notes: Head,
    sequence: number,
    extra: SealedAttributes,
  ): SealedRecord {
    const sealed = sealSpan(journaled, notes, {
      held,
      sums,
      hasOpenTurn,
      contentBytesMax,
      sessionId: identity.session,
    })
    const { change } = sealed
    if (change !== undefined && changes !== undefined) {
      quietly('keep a change', () => changes.record(change.operation, change.contents))
    }
    const attributes = { ...sealed.attributes, ...extra, ...common(sequence) }
    return {
      signal: 'traces',
      sequence,
      scope: sealed.span.scope,
      json: JSON.stringify(toOtlpSpan(sealed.span, attributes)),
    }
  }

  function hasOpenTurn(traceId: string): boolean {
    for (const { span } of starts.values()) if (span.traceId === traceId && isTurn(span)) return true
    return false
  }

  function sealLog(
    head: Head,
    contents: readonly StoredContent[],
    sequence: number,
  ): SealedRecord {
    const log: JournaledLog = isObject(head['drop'])
      ? dropLog(head['drop'], Number(head['t']))
      : (withContents(head['log'], contents) as JournaledLog)
    return toSealedLog(log, sequence)
  }

  function toSealedLog(log: JournaledLog, sequence: number): SealedRecord {
    const body = redactAttributes({ body: log.body })['body']
    const attributes = {
      ...redactAttributes(log.attributes),
      ...common(sequence),
      ['log.record.uid' satisfies AttributeName]: `${identity.recorder}/${sequence}`,
    }
    return {
      signal: 'logs',
      sequence,
      scope: log.scope,
      json: JSON.stringify(toOtlpLog({ ...log, body }, attributes)),
    }
  }

  function common(sequence: number): SealedAttributes {
    return { ...identity.common, ['turnlog.sequence' satisfies AttributeName]: sequence }
  }

  /**
   * Closes a dead recorder: what it left open ends, abandoned, at its last sign of life, numbered on from its last
   * sequence in the order of the starts, then its session. Doing it twice gives the same records.
   */
  function closeDead(missing: readonly MissingRange[]): void {
    if (state.isEnded) return
    const records: SealedRecord[] = []
    let sequence = Math.max(lastSequence, state.sealedThrough)
    for (const { first, last } of missing) {
      sequence += 1
      const drop = { first, last, reason: 'journal_corrupt' }
      records.push(toSealedLog(dropLog(drop, lastTime), sequence))
    }
    const open = [...starts.values()].sort(
      (a, b) => a.time - b.time || compareTimes(a.span.start, b.span.start),
    )
    const firstOpen = sequence + 1
    sequence += open.length
    // A turn sums its model calls up, so it is sealed after them; the numbers are those of the starts.
    const byDepth = open
      .map((start, index) => ({ ...start, sequence: firstOpen + index }))
      .sort((a, b) => Number(isTurn(a.span)) - Number(isTurn(b.span)))
    for (const { span, sequence: number } of byDepth) {
      records.push(sealAbandoned(span, number))
    }
    sequence += 1
    records.push(
      toSealedLog(
        {
          ...emptyLog(lastTime),
          eventName: 'session.end',
          severity: severity.warn,
          attributes: {
            'turnlog.abandoned': true,
            'turnlog.recorder.last_sequence': sequence,
          } satisfies { [Name in AttributeName]?: unknown },
        },
        sequence,
      ),
    )
    records.sort((a, b) => a.sequence - b.sequence)
    lastSequence = sequence
    state = { ...state, isEnded: true }
    place(records)
    for (const id of starts.keys()) held.end(id)
    starts.clear()
    removeFiles()
  }

  function sealAbandoned(span: JournaledSpan, sequence: number): SealedRecord {
    const end = nanoseconds(lastTime)
    const extra: { [Name in AttributeName]?: unknown } = {
      'turnlog.abandoned': true,
      ...(isTurn(span) ? { 'turnlog.turn.outcome': 'abandoned' } : {}),
      ...(span.attributes['gen_ai.operation.name'] === 'execute_tool'
        ? { 'turnlog.tool_call.unfinished': true }
        : {}),
    }
    const ended = { ...span, end: compareTimes(end, span.start) < 0 ? span.start : end }
    return sealEnd({ ...ended, status: { code: 2, message: 'abandoned' } }, {}, sequence, extra)
  }

  function dropLog(drop: Head, time: number): JournaledLog {
    return {
      ...emptyLog(time),
      eventName: 'turnlog.records.dropped',
      severity: severity.warn,
      attributes: {
        'turnlog.drop.first_sequence': drop['first'],
        'turnlog.drop.last_sequence': drop['last'],
        'turnlog.drop.reason': drop['reason'],
      } satisfies { [Name in AttributeName]?: unknown },
    }
  }

  return {
    seal,
    closeDead,
    get sealedThrough() {
      return state.sealedThrough
    },
    get isEnded() {
      return state.isEnded
    },
  }
}

function emptyLog(time: number): JournaledLog {
  return { time: nanoseconds(time), observed: nanoseconds(time), attributes: {}, scope: ownScope }
}

/** Puts the long strings that lay beside a head back into its attributes. */
function withContents(described: unknown, contents: readonly StoredContent[]): object {
  const value = isObject(described) ? described : {}
  const attributes: Record<string, unknown> = isObject(value['attributes'])
    ? { ...value['attributes'] }
    : {}
  for (const { slot, encoding, bytes } of contents) {
    if (!slot.startsWith('a:')) continue
    attributes[slot.slice(2)] =
      encoding === 'bytes'
        ? bytes
        : bytes.toString(encoding === 'latin1' ? 'latin1' : 'utf16le')
  }
  return { ...value, attributes }
}

/** Whether the record is the journal's own declaration of the hole before it. */
function declares(head: Head, first: number): boolean {
  const drop = head['drop']
  return isObject(drop) && typeof drop['first'] === 'number' && drop['first'] <= first
}

function isTurn(span: JournaledSpan): boolean {
  return span.attributes['gen_ai.operation.name'] === 'invoke_agent'
}

function nanoseconds(milliseconds: number): string {
  return String(BigInt(Math.round(milliseconds * 1_000)) * 1_000n)
}

function compareTimes(a: string, b: string): number {
  const difference = BigInt(a) - BigInt(b)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
