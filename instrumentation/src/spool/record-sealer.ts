/** Ended spans and logs of one recorder → records of its segments: sealed, with what stands on every record, capped. */
import { type AttributeName, instrumentationScope, schemaUrl, severity } from '@turnlog/conventions'
import type { ChangeStore } from '../changes/store.ts'
import { quietly } from '../health.ts'
import { capAttributes, recordBytesMax } from './cap-record.ts'
import type { JournaledLog, JournaledScope, JournaledSpan } from './journaled.ts'
import {
  type SealedAttributes,
  type SealedRecord,
  type Signal,
  toOtlpLog,
  toOtlpSpan,
} from './otlp-json.ts'
import type { RecorderIdentity } from './recorder-folder.ts'
import { redactAttributes, redactLog } from './redact-record.ts'
import { sealSpan } from './seal-span.ts'
import type { EndedSpan, SealContext } from './sealed-span.ts'
import type { MissingRange } from './sequences.ts'

export interface RecordSealerOptions {
  readonly identity: RecorderIdentity
  readonly changes: Pick<ChangeStore, 'record'> | undefined
  readonly context: SealContext
}

/** A record, or why there is none. */
export type SealResult = SealedRecord | { readonly refused: string }

export type RecordSealer = ReturnType<typeof createRecordSealer>

export function createRecordSealer({ identity, changes, context }: RecordSealerOptions) {
  function toRecord(
    record: { readonly signal: Signal; readonly sequence: number; readonly scope: JournaledScope },
    toOtlp: (attributes: SealedAttributes) => object,
    own: SealedAttributes,
  ): SealResult {
    capAttributes(own)
    const json = JSON.stringify(
      toOtlp({
        ...own,
        ...identity.common,
        ['turnlog.sequence' satisfies AttributeName]: record.sequence,
      }),
    )
    const isTooLarge = json.length > recordBytesMax || Buffer.byteLength(json) > recordBytesMax
    return isTooLarge ? { refused: 'record_too_large' } : { ...record, json, declares: 0 }
  }

  function span(ended: EndedSpan, sequence: number, extra: SealedAttributes = {}): SealResult {
    const { span, attributes, change } = sealSpan(ended, context)
    if (change !== undefined && changes !== undefined) {
      quietly('keep a change', () => changes.record(change.operation, change.contents))
    }
    const record = { signal: 'traces', sequence, scope: span.scope } as const
    return toRecord(record, (all) => toOtlpSpan(span, all), { ...attributes, ...extra })
  }

  function log(raw: JournaledLog, sequence: number): SealResult {
    const redacted = redactLog(raw)
    const isOwnEnd = raw.eventName === 'session.end' && raw.scope.name === instrumentationScope
    const attributes: SealedAttributes = {
      ...redactAttributes(raw.attributes),
      ['log.record.uid' satisfies AttributeName]: `${identity.recorder}/${sequence}`,
      // Only here it is certain: a declaration may have come before it.
      ...(isOwnEnd ? { ['turnlog.recorder.last_sequence' satisfies AttributeName]: sequence } : {}),
    }
    const record = { signal: 'logs', sequence, scope: raw.scope } as const
    return toRecord(record, (all) => toOtlpLog(redacted, all), attributes)
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

function ownLog(eventName: string, time: number, attributes: SealedAttributes): JournaledLog {
  const at = nanoseconds(time)
  const scope = { name: instrumentationScope, schemaUrl }
  return { eventName, time: at, observed: at, severity: severity.warn, attributes, scope }
}

function nanoseconds(milliseconds: number): string {
  return `${Math.max(0, Math.floor(milliseconds * 1_000))}000`
}

/** Decimal strings, as written by `processor.ts`. */
function isBefore(a: string, b: string): boolean {
  return a.length === b.length ? a < b : a.length < b.length
}
