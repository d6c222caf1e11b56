/** A recorder without a host: a real journal in a real folder, sealed by the real sealer, read back from its segments. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { instrumentationScope } from '@turnlog/conventions'
import { hashContent } from '@turnlog/conventions/content/description'
import { expect, onTestFinished } from 'vitest'
import { type FileSystem, originalFs } from '../../src/file-system.ts'
import { Journal } from '../../src/journal/journal.ts'
import type { JournalContent } from '../../src/journal/journal-record.ts'
import { Sealer, type SealerOptions } from '../../src/seal/sealer.ts'
import { ownLiveness } from '../../src/spool/liveness.ts'
import {
  listSegments,
  quarantineFolder,
  type RecorderIdentity,
  writeIdentity,
} from '../../src/spool/recorder-folder.ts'
import { quickDisk } from './faulty-disk.ts'

/** A folder that is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'turnlog-spool-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A copy of the recorder's folder. */
export function copyOf(folder: string): string {
  const copy = path.join(temporaryFolder(), path.basename(folder))
  cpSync(folder, copy, { recursive: true })
  return copy
}

export function identityOf(
  recorder: string,
  changes: Partial<RecorderIdentity> = {},
): RecorderIdentity {
  return {
    recorder,
    session: 'a-session',
    startedAt: 1_700_000_000_000,
    liveness: ownLiveness(),
    resource: { 'service.name': 'a-test', 'service.instance.id': recorder },
    common: { 'session.id': 'a-session', 'user.id': 'mara' },
    ...changes,
  }
}

/** A clock that only the test moves. */
export function manualClock(start = 1_700_000_000_000) {
  let time = start
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>()
  return {
    now: () => time,
    after(ms: number, callback: () => void) {
      const timer = { at: time + ms, callback }
      timers.add(timer)
      return { cancel: () => void timers.delete(timer) }
    },
    set(to: number): void {
      time = to
    },
    pass(ms: number): void {
      time += ms
      for (const timer of [...timers]) {
        if (timer.at <= time && timers.delete(timer)) timer.callback()
      }
    },
    timers,
  }
}

export interface RecordingOptions {
  readonly folder?: string
  readonly fileSystem?: FileSystem
  readonly clock?: ReturnType<typeof manualClock>
  readonly defer?: (callback: () => void) => void
}

export type Recording = ReturnType<typeof startRecording>

/** A recorder in its folder, in a destination's folder. The test decides when to flush. */
export function startRecording({
  folder = path.join(temporaryFolder(), 'a-recorder'),
  fileSystem = quickDisk,
  clock = manualClock(),
  defer = () => undefined,
}: RecordingOptions = {}) {
  const recorder = path.basename(folder)
  const closed: number[] = []
  const journal = new Journal({
    directory: folder,
    recorder,
    fileSystem,
    now: clock.now,
    after: clock.after,
    defer,
    onClosed: (number) => closed.push(number),
    prepare: () => {
      fileSystem.mkdirSync(folder, { recursive: true, mode: 0o700 })
      writeIdentity(fileSystem, folder, identityOf(recorder))
    },
  })
  const pieces = new Map<string, number>()
  const next = (id: string): number => {
    pieces.set(id, (pieces.get(id) ?? 0) + 1)
    return pieces.get(id) ?? 0
  }
  return {
    folder,
    recorder,
    journal,
    clock,
    /** The numbers of the closed files. */
    closed,
    log(body: string, contents: readonly JournalContent[] = []): void {
      journal.append({ k: 'log', log: logOf(body) }, contents)
    },
    start(id: string, changes: SpanChanges = {}): void {
      journal.append({ k: 'start', id, span: spanOf(id, changes) })
    },
    content(id: string, slot: string, value: string | Uint8Array, exchange = 0): void {
      journal.append({ k: 'content', id, x: exchange, i: next(id) }, [[slot, value]])
    },
    wire(id: string, exchange: number, facts: object): void {
      journal.append({ k: 'wire', id, x: exchange, i: next(id), facts })
    },
    discard(id: string): void {
      journal.append({ k: 'discard', id })
    },
    end(id: string, changes: SpanChanges = {}, notes?: object): void {
      const span = { ...spanOf(id, changes), end: String(BigInt(clock.now()) * 1_000_000n) }
      journal.append({ k: 'span', id, span, n: notes, p: pieces.get(id) })
    },
    /** As at the orderly end of a process. */
    finish(): void {
      journal.append({ k: 'log', log: { ...logOf('over'), eventName: 'session.end' } })
      journal.append({ k: 'end', through: journal.recorded })
      journal.close()
    },
  }
}

interface SpanChanges {
  readonly name?: string
  readonly traceId?: string
  readonly parentSpanId?: string
  readonly attributes?: object
  readonly kind?: number
  readonly start?: string
  readonly scope?: object
  readonly status?: object
  readonly events?: readonly object[]
}

export const turn = { attributes: { 'gen_ai.operation.name': 'invoke_agent' } }
export const modelCall = { attributes: { 'gen_ai.operation.name': 'chat' }, kind: 2 }
export const toolCall = {
  attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.call.id': 'toolu_1' },
}

export function spanOf(id: string, changes: SpanChanges = {}): object {
  return {
    traceId: 'a'.repeat(32),
    spanId: id,
    name: `span ${id}`,
    kind: 0,
    start: '1700000000000000000',
    attributes: {},
    scope: { name: instrumentationScope },
    status: { code: 0 },
    ...changes,
  }
}

export function logOf(body: string): object {
  const time = '1700000000000000000'
  return { time, observed: time, body, attributes: {}, scope: { name: instrumentationScope } }
}

export function sealerOf(folder: string, changes: Partial<SealerOptions> = {}) {
  return new Sealer({
    fileSystem: quickDisk,
    folder,
    identity: identityOf(path.basename(folder)),
    contentBytesMax: 16 * 1024 ** 2,
    inlineBytesMax: 128 * 1024,
    changes: undefined,
    ...changes,
  })
}

/** Seals and closes the recorder, as the adopter of a dead one does. */
export function adopt(folder: string, changes: Partial<SealerOptions> = {}): void {
  const sealer = sealerOf(folder, changes)
  sealer.seal()
  sealer.closeDead()
}

/** One record of a segment, span or log. */
export interface OtlpRecord {
  readonly parentSpanId?: string
  readonly traceId?: string
  readonly spanId?: string
  readonly name?: string
  readonly eventName?: string
  readonly startTimeUnixNano?: string
  readonly endTimeUnixNano?: string
  readonly timeUnixNano?: string
  readonly attributes: readonly KeyValue[]
  readonly body?: AnyValue
  readonly status?: { readonly code: number; readonly message?: string }
  readonly events?: readonly { readonly name: string; readonly attributes: readonly KeyValue[] }[]
}
type AnyValue = Readonly<Record<string, unknown>>
interface KeyValue {
  readonly key: string
  readonly value: AnyValue
}

export interface OtlpRequest {
  readonly resource: Readonly<Record<string, unknown>>
  readonly records: readonly OtlpRecord[]
  /** Bytes of the body, before compression. */
  readonly bytes: number
}

/** One segment as it would be sent. */
export function readSegment(file: string): OtlpRequest {
  const body = gunzipSync(readFileSync(file))
  const [top] = Object.values<Group[]>(JSON.parse(body.toString()))
  const [group] = top ?? []
  const scopes = group?.scopeSpans ?? group?.scopeLogs ?? []
  return {
    resource: plain(group?.resource.attributes ?? []),
    records: scopes.flatMap((scope) => scope.spans ?? scope.logRecords ?? []),
    bytes: body.byteLength,
  }
}
interface Group {
  readonly resource: { readonly attributes: readonly KeyValue[] }
  readonly scopeSpans?: readonly Scope[]
  readonly scopeLogs?: readonly Scope[]
}
interface Scope {
  readonly spans?: readonly OtlpRecord[]
  readonly logRecords?: readonly OtlpRecord[]
}

export interface SealedRow {
  readonly sequence: number
  /** Of the span or event. */
  readonly name: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly body: unknown
  readonly otlp: OtlpRecord
}

/** Every record in the folder's segments, in the order of their sequences, with repetitions. */
export function sealedIn(folder: string): SealedRow[] {
  const records = listSegments(originalFs, folder).flatMap(
    ({ name }) => readSegment(path.join(folder, name)).records,
  )
  const numbered = records.filter(({ eventName }) => eventName !== 'turnlog.content')
  const rows = numbered.map((otlp) => {
    const attributes = plain(otlp.attributes)
    return {
      sequence: Number(attributes['turnlog.sequence']),
      name: otlp.name ?? otlp.eventName ?? '',
      attributes,
      body: otlp.body === undefined ? undefined : plainValue(otlp.body),
      otlp,
    }
  })
  return rows.sort((a, b) => a.sequence - b.sequence)
}

export interface SealedPart {
  readonly sha256: string
  readonly size: number
  readonly part: number
  readonly parts: number
  readonly mediaType: string
  readonly body: string | Buffer
  readonly time: string
}

/** The parts of contents in the folder's segments, in the order of sending, with repetitions. */
export function partsIn(folder: string): SealedPart[] {
  const segments = listSegments(originalFs, folder).filter(({ parts }) => parts > 0)
  return segments.flatMap(({ name, parts }) => {
    const { records } = readSegment(path.join(folder, name))
    expect(records.map(({ eventName }) => eventName)).toEqual(Array(parts).fill('turnlog.content'))
    return records.map(({ attributes, body, timeUnixNano = '' }) => {
      const of = plain(attributes)
      return {
        sha256: String(of['turnlog.content.sha256']),
        size: Number(of['turnlog.content.size']),
        part: Number(of['turnlog.content.part']),
        parts: Number(of['turnlog.content.parts']),
        mediaType: String(of['turnlog.content.media_type']),
        body: plainValue(body ?? {}) as string | Buffer,
        time: timeUnixNano,
      }
    })
  })
}

/** Contents by their hashes, joined from their parts as a receiver does; hash and size are checked. */
export function contentsIn(folder: string): Map<string, Buffer> {
  const contents = new Map<string, Buffer>()
  for (const [sha256, parts] of Map.groupBy(partsIn(folder), (part) => part.sha256)) {
    const byNumber = new Map(parts.map((part) => [part.part, part]))
    const [{ parts: count = 0, size = -1 } = {}] = parts
    const bodies = Array.from({ length: count }, (_, index) => byNumber.get(index + 1)?.body ?? '')
    const content = Buffer.concat(bodies.map((body) => Buffer.from(body as string)))
    expect({ sha256, size }).toEqual({ sha256: hashContent(content), size: content.length })
    contents.set(sha256, content)
  }
  return contents
}

export function plain(attributes: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)]))
}

function plainValue({ bytesValue, arrayValue, kvlistValue, ...value }: AnyValue): unknown {
  if (typeof bytesValue === 'string') return Buffer.from(bytesValue, 'base64')
  if (arrayValue !== undefined) return (arrayValue as { values: AnyValue[] }).values.map(plainValue)
  if (kvlistValue !== undefined) return plain((kvlistValue as { values: KeyValue[] }).values)
  return Object.values(value)[0] ?? null
}

/** The sequences of a recorder by their state. */
export function sequencesIn(folder: string) {
  const rows = [...sealedIn(folder), ...sealedIn(quarantineFolder(folder))]
  const sealed = new Set(rows.map(({ sequence }) => sequence))
  const dropped = new Set<number>()
  for (const { name, attributes } of rows) {
    if (name !== 'turnlog.records.dropped') continue
    const first = Number(attributes['turnlog.drop.first_sequence'])
    const last = Number(attributes['turnlog.drop.last_sequence'])
    for (let each = first; each <= last; each += 1) dropped.add(each)
  }
  const last = Math.max(0, ...sealed)
  const all = Array.from({ length: last }, (_, index) => index + 1)
  return {
    sealed: [...sealed].sort((a, b) => a - b),
    dropped: [...dropped].sort((a, b) => a - b),
    last,
    /** Neither sealed nor declared: a silent hole. */
    unaccounted: all.filter((each) => !sealed.has(each) && !dropped.has(each)),
    /** Declared lost, but present. */
    contradicted: all.filter((each) => sealed.has(each) && dropped.has(each)),
    repeated: rows.length - sealed.size,
  }
}
