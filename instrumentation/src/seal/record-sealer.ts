/**
 * Ended spans and logs of one recorder → records of its segments: sealed, with what stands on every record, and without what
 * is too large to stay in it.
 */
import {
  type AttributeName,
  type ContentHash,
  instrumentationScope,
  parseContentHash,
  schemaUrl,
  severity,
} from '@turnlog/conventions'
import type { ChangeStore } from '../changes/store.ts'
import { quietly } from '../health.ts'
import { isBefore, type JournaledLog, type JournaledSpan } from '../journal/span-head.ts'
import { type SealedAttributes, toOtlpLog, toOtlpSpan } from '../otlp/otlp-json.ts'
import { type MoveRules, moveOut, type OpenRecord } from '../otlp/out-of-line.ts'
import type { SealedRecord } from '../otlp/outlet.ts'
import { redactAttributes, redactLog } from '../redact/redact-record.ts'
import type { RecorderIdentity } from '../spool/recorder-folder.ts'
import { sealSpan } from './seal-span.ts'
import type { EndedSpan, SealContext } from './sealed-span.ts'
import type { MissingRange } from './sequences.ts'

export interface RecordSealerOptions {
  readonly identity: RecorderIdentity
  readonly changes: Pick<ChangeStore, 'record'> | undefined
  readonly context: SealContext
  readonly rules: MoveRules
}

/** Receivers read 64 MiB after decompression; its request takes the difference. Only names and times are left to be so much. */
const recordBytesMax = 60 * 1024 ** 2
const bodyName = 'turnlog.log.body' satisfies AttributeName

/** A record, or why there is none. */
export type SealResult = SealedRecord | { readonly refused: string }

export type RecordSealer = ReturnType<typeof createRecordSealer>

export function createRecordSealer({ identity, changes, context, rules }: RecordSealerOptions) {
  function toRecord(
    record: Pick<SealedRecord, 'signal' | 'sequence' | 'scope' | 'time'>,
    toOtlp: (attributes: SealedAttributes) => object,
    { holders, hashes }: Pick<OpenRecord, 'holders' | 'hashes'>,
  ): SealResult {
    const common = {
      ...identity.common,
      ['turnlog.sequence' satisfies AttributeName]: record.sequence,
    }
    const toJson = (): string => JSON.stringify(toOtlp({ ...holders[0], ...common }))
    const { json, contents } = moveOut({ holders, toJson, ...(hashes && { hashes }) }, rules)
    const isTooLarge = json.length > recordBytesMax || Buffer.byteLength(json) > recordBytesMax
    return isTooLarge ? { refused: 'record_too_large' } : { ...record, json, contents, declares: 0 }
  }

  function span(ended: EndedSpan, sequence: number, extra: SealedAttributes = {}): SealResult {
    const { span: sealed, attributes, change } = sealSpan(ended, context)
    if (change !== undefined && changes !== undefined) {
      quietly('keep a change', () => changes.record(change.operation, change.contents))
    }
    const own = { ...attributes, ...extra }
    const [events, links] = [openAll(sealed.events), openAll(sealed.links)]
    const open = { ...sealed, ...(events && { events }), ...(links && { links }) }
    const others = [...(events ?? []), ...(links ?? [])]
    const { scope, start: time } = sealed
    const record = { signal: 'traces', sequence, scope, time } as const
    return toRecord(record, (all) => toOtlpSpan(open, all), {
      holders: [own, ...others.map((other) => other.attributes)],
      hashes: change === undefined ? new Map() : hashesIn(attributes),
    })
  }

  function log(raw: JournaledLog, sequence: number): SealResult {
    const { body, ...redacted } = redactLog(raw)
    const isOwnEnd = raw.eventName === 'session.end' && raw.scope.name === instrumentationScope
    const own: SealedAttributes = {
      ...redactAttributes(raw.attributes),
      ['log.record.uid' satisfies AttributeName]: `${identity.recorder}/${sequence}`,
      // Only here it is certain: a declaration may have come before it.
      ...(isOwnEnd ? { ['turnlog.recorder.last_sequence' satisfies AttributeName]: sequence } : {}),
      // It leaves as attributes do.
      ...(body === undefined ? {} : { [bodyName]: body }),
    }
    const { scope } = raw
    const record = { signal: 'logs', sequence, scope, time: timeOf(raw) } as const
    return toRecord(
      record,
      ({ [bodyName]: stays, ...all }) => toOtlpLog({ ...redacted, body: stays }, all),
      { holders: [own] },
    )
  }

  return {
    span,
    log,
    /** The declaration of a range that was lost. */
    drop(range: MissingRange, time: number, sequence: number): SealResult {
      const attributes = {
        'turnlog.drop.first_sequence': range.first,
        'turnlog.drop.last_sequence': range.last,
        'turnlog.drop.reason': range.reason,
      } satisfies { [Name in AttributeName]?: unknown }
      const sealed = log(ownLog('turnlog.records.dropped', time, attributes), sequence)
      return 'refused' in sealed ? sealed : { ...sealed, declares: range.last - range.first + 1 }
    },
    /** An open span of a dead recorder, ended at its last sign of life. */
    abandoned(open: JournaledSpan, time: number, sequence: number): SealResult {
      const end = nanoseconds(time)
      const operation = open.attributes['gen_ai.operation.name' satisfies AttributeName]
      const extra = {
        'turnlog.abandoned': true,
        ...(operation === 'invoke_agent' ? { 'turnlog.turn.outcome': 'abandoned' } : {}),
        ...(operation === 'execute_tool' ? { 'turnlog.tool_call.unfinished': true } : {}),
      } satisfies { [Name in AttributeName]?: unknown }
      const ended = {
        ...open,
        end: isBefore(end, open.start) ? open.start : end,
        status: { code: 2, message: 'abandoned' },
      }
      return span({ span: ended, notes: {}, pieces: undefined }, sequence, extra)
    },
    /** The end of a recorder that could not say so itself. */
    abandonedSession(time: number, sequence: number): SealResult {
      const attributes = { 'turnlog.abandoned': true } satisfies {
        [Name in AttributeName]?: unknown
      }
      return log(ownLog('session.end', time, attributes), sequence)
    },
  }
}

/** With attributes that may be changed. */
function openAll<Item extends { readonly attributes?: Readonly<Record<string, unknown>> }>(
  items: readonly Item[] | undefined,
) {
  return items?.map((item) => ({ ...item, attributes: { ...item.attributes } as SealedAttributes }))
}

/** Of a file operation's own contents: they were hashed as they are here. */
function hashesIn(attributes: SealedAttributes): Map<string, ContentHash> {
  const hashes = new Map<string, ContentHash>()
  for (const side of ['before', 'after', 'overwritten'] as const) {
    const name = `turnlog.file_operation.${side}` satisfies AttributeName
    const hash = parseContentHash(attributes[`${name}.sha256`])
    if (hash !== undefined) hashes.set(name, hash)
  }
  return hashes
}

/** Many libraries give no time, only when they observed. */
function timeOf({ time, observed }: JournaledLog): string {
  return time === '0' ? observed : time
}

function ownLog(eventName: string, time: number, attributes: SealedAttributes): JournaledLog {
  const at = nanoseconds(time)
  const scope = { name: instrumentationScope, schemaUrl }
  return { eventName, time: at, observed: at, severity: severity.warn, attributes, scope }
}

function nanoseconds(milliseconds: number): string {
  return `${Math.max(0, Math.floor(milliseconds * 1_000))}000`
}
