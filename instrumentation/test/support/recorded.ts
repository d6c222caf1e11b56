/** The records of a program that has ended, as plain values: its journal is sealed as if it were adopted. */

import { readFileSync } from 'node:fs'
import * as path from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { ChangeStore } from '../../src/changes/store.ts'
import { namesIn, originalFs } from '../../src/file-system.ts'
import { Sealer } from '../../src/seal/sealer.ts'
import { listSegments, readIdentity } from '../../src/spool/recorder-folder.ts'

export type Attributes = Readonly<Record<string, unknown>>

export interface RecordedSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly kind: number
  readonly startMs: number
  readonly endMs: number
  readonly status: number
  readonly statusMessage: string
  readonly scope: string
  readonly attributes: Attributes
  readonly links: readonly {
    readonly traceId: string
    readonly spanId: string
    readonly attributes: Attributes
  }[]
}

export interface RecordedLog {
  readonly event: string
  readonly traceId: string
  readonly spanId: string
  readonly timeMs: number
  readonly attributes: Attributes
  /** The process that recorded it. */
  readonly pid: unknown
}

export interface Recorded {
  /** In the order of their sequences, which is that of their ends. */
  readonly spans: readonly RecordedSpan[]
  readonly logs: readonly RecordedLog[]
}

/**
 * Everything in the spool, of all its recorders; each of them must have ended. What they had not sealed is given to `changes`.
 * As in the receiver, the record of a span that waits is replaced by its later one.
 */
export function readRecorded(spool: string, changes?: ChangeStore): Recorded {
  const spans: RecordedSpan[] = []
  const logs: RecordedLog[] = []
  for (const folder of recorderFolders(spool)) {
    seal(folder, changes)
    const sealed = readSegments(folder)
    spans.push(...sealed.spans)
    logs.push(...sealed.logs)
  }
  const bySequence = (a: { attributes: Attributes }, b: { attributes: Attributes }): number =>
    Number(a.attributes['turnlog.sequence']) - Number(b.attributes['turnlog.sequence'])
  const isReplaced = ({ spanId, attributes }: RecordedSpan): boolean =>
    attributes['turnlog.waiting'] === true &&
    spans.some((span) => span.spanId === spanId && span.attributes['turnlog.waiting'] !== true)
  return {
    spans: spans.filter((span) => !isReplaced(span)).sort(bySequence),
    logs: logs.sort(bySequence),
  }
}

/** The sealed records of one recorder. */
export function readSegments(folder: string): Recorded {
  const spans: RecordedSpan[] = []
  const logs: RecordedLog[] = []
  for (const { name, signal } of listSegments(originalFs, folder)) {
    const body = JSON.parse(gunzipSync(readFileSync(path.join(folder, name))).toString())
    if (signal === 'traces') spans.push(...spansOf(body))
    else logs.push(...logsOf(body))
  }
  return { spans, logs }
}

export function recorderFolders(spool: string): string[] {
  return namesIn(originalFs, spool)
    .filter((name) => name !== 'changes')
    .flatMap((name) =>
      namesIn(originalFs, path.join(spool, name)).map((recorder) =>
        path.join(spool, name, recorder),
      ),
    )
}

function seal(folder: string, changes: ChangeStore | undefined): void {
  const identity = readIdentity(originalFs, folder)
  if (identity === undefined) return
  const sealer = new Sealer({
    fileSystem: originalFs,
    folder,
    identity,
    contentBytesMax: 16 * 1024 ** 2,
    inlineBytesMax: 128 * 1024,
    changes,
  })
  sealer.seal()
  sealer.closeDead()
}

/** The members of OTLP/JSON that are read here. */
interface Value {
  readonly stringValue?: string
  readonly intValue?: string | number
  readonly doubleValue?: number
  readonly boolValue?: boolean
  readonly bytesValue?: string
  readonly arrayValue?: { readonly values?: readonly Value[] }
}
type KeyValues = readonly { readonly key: string; readonly value: Value }[]
interface Traces {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly {
      readonly scope?: { readonly name?: string }
      readonly spans: readonly {
        readonly name: string
        readonly traceId: string
        readonly spanId: string
        readonly parentSpanId?: string
        readonly kind: number
        readonly startTimeUnixNano: string
        readonly endTimeUnixNano: string
        readonly status?: { readonly code?: number; readonly message?: string }
        readonly attributes: KeyValues
        readonly links?: readonly {
          readonly traceId: string
          readonly spanId: string
          readonly attributes?: KeyValues
        }[]
      }[]
    }[]
  }[]
}
interface Logs {
  readonly resourceLogs: readonly {
    readonly resource?: { readonly attributes: KeyValues }
    readonly scopeLogs: readonly {
      readonly logRecords: readonly {
        readonly eventName?: string
        readonly traceId?: string
        readonly spanId?: string
        readonly timeUnixNano?: string
        readonly attributes: KeyValues
      }[]
    }[]
  }[]
}

function spansOf({ resourceSpans }: Traces): RecordedSpan[] {
  return resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span) => ({
        name: span.name,
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? '',
        kind: span.kind,
        startMs: milliseconds(span.startTimeUnixNano),
        endMs: milliseconds(span.endTimeUnixNano),
        status: span.status?.code ?? 0,
        statusMessage: span.status?.message ?? '',
        scope: scope?.name ?? '',
        attributes: plain(span.attributes),
        links: (span.links ?? []).map((link) => ({
          ...link,
          attributes: plain(link.attributes ?? []),
        })),
      })),
    ),
  )
}

function logsOf({ resourceLogs }: Logs): RecordedLog[] {
  return resourceLogs.flatMap(({ resource, scopeLogs }) =>
    scopeLogs.flatMap(({ logRecords }) =>
      logRecords.map((log) => ({
        event: log.eventName ?? '',
        traceId: log.traceId ?? '',
        spanId: log.spanId ?? '',
        timeMs: milliseconds(log.timeUnixNano ?? '0'),
        attributes: plain(log.attributes),
        pid: plain(resource?.attributes ?? [])['process.pid'],
      })),
    ),
  )
}

function milliseconds(nanoseconds: string): number {
  return Number(BigInt(nanoseconds) / 1_000n) / 1_000
}

function plain(attributes: KeyValues): Attributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)]))
}

function plainValue(value: Value): unknown {
  if (value.intValue !== undefined) return Number(value.intValue)
  if (value.bytesValue !== undefined) return Buffer.from(value.bytesValue, 'base64')
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plainValue)
  return value.stringValue ?? value.boolValue ?? value.doubleValue
}
