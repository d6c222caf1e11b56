/**
 * Ended spans and logs of one recorder → sealed records: redacted, with their contents and the attributes that every record
 * has, and with the contents that are too large taken out of line. Turns, model calls, tool calls and file operations have a
 * file each for their contents; all other spans and logs are only redacted.
 */
import {
  type AttributeName,
  type ContentHash,
  instrumentationScope,
  parseContentHash,
  schemaUrl,
  severity,
} from '@turnlog/conventions'
import { errorCode } from '@turnlog/conventions/plain'
import type { ChangeStore } from '../changes/store.ts'
import { failed, quietly } from '../health.ts'
import { isBefore, type JournaledLog } from '../journal/span-head.ts'
import { type SealedAttributes, toOtlpLog, toOtlpSpan } from '../otlp/otlp-json.ts'
import { type OpenRecord, type OutOfLineRules, takeOutOfLine } from '../otlp/out-of-line.ts'
import type { SealedRecord } from '../otlp/outlet.ts'
import { redactAttributes, redactLog, redactSpan } from '../redact/redact.ts'
import type { RecorderIdentity } from '../spool/recorder-folder.ts'
import { sealFileOperation } from './file-operation.ts'
import { sealModelCall } from './model-call.ts'
import { sealNativeSpan } from './native-span.ts'
import { operationOf } from './open-starts.ts'
import type { MissingRange } from './sequences.ts'
import type { EndedSpan, SealContext, SealedSpan, SealKind } from './span-kind.ts'
import { sealToolCall } from './tool-call.ts'
import { sealTurn } from './turn.ts'

export interface RecordSealerOptions {
  readonly identity: RecorderIdentity
  readonly changes: Pick<ChangeStore, 'record'> | undefined
  readonly context: SealContext
  readonly rules: OutOfLineRules
}

/** Receivers read 64 MiB after decompression; the request around the record takes the rest. Only names and times can be this large. */
const recordBytesMax = 60 * 1024 ** 2
const bodyName = 'turnlog.log.body' satisfies AttributeName

/** A record, or the reason why there is none. */
export type SealResult = SealedRecord | { readonly refused: string }

export class RecordSealer {
  readonly #options: RecordSealerOptions

  constructor(options: RecordSealerOptions) {
    this.#options = options
  }

  span(ended: EndedSpan, sequence: number, extra: SealedAttributes = {}): SealResult {
    const { changes, context } = this.#options
    const { span, attributes, change } = sealSpan(ended, context)
    if (change !== undefined) {
      quietly('keep a change', () => changes?.record(change.operation, change.contents))
    }
    const own = { ...attributes, ...extra }
    const [events, links] = [withOpenAttributes(span.events), withOpenAttributes(span.links)]
    const open = { ...span, ...(events && { events }), ...(links && { links }) }
    const others = [...(events ?? []), ...(links ?? [])].map((other) => other.attributes)
    return this.#toRecord(
      { signal: 'traces', sequence, scope: span.scope, time: span.start },
      (all) => toOtlpSpan(open, all),
      [own, ...others],
      change && hashesIn(attributes),
    )
  }

  log(raw: JournaledLog, sequence: number): SealResult {
    const { body, ...redacted } = redactLog(raw)
    const { eventName, scope, time, observed } = raw
    const isOwnEnd = eventName === 'session.end' && scope.name === instrumentationScope
    const own: SealedAttributes = {
      ...redactAttributes(raw.attributes),
      ['log.record.uid' satisfies AttributeName]: `${this.#options.identity.recorder}/${sequence}`,
      // The app's own number may be too low: a declaration can have been journaled before this record.
      ...(isOwnEnd ? { ['turnlog.recorder.last_sequence' satisfies AttributeName]: sequence } : {}),
      // An attribute for as long as it may be taken out of line.
      ...(body === undefined ? {} : { [bodyName]: body }),
    }
    return this.#toRecord(
      // Many libraries set only the time at which they observed.
      { signal: 'logs', sequence, scope, time: time === '0' ? observed : time },
      ({ [bodyName]: left, ...all }) => toOtlpLog({ ...redacted, body: left }, all),
      [own],
    )
  }

  /** The declaration of a range that was lost. */
  drop(range: MissingRange, time: number, sequence: number): SealResult {
    const attributes = {
      'turnlog.drop.first_sequence': range.first,
      'turnlog.drop.last_sequence': range.last,
      'turnlog.drop.reason': range.reason,
    } satisfies { [Name in AttributeName]?: unknown }
    const sealed = this.log(ownLog('turnlog.records.dropped', time, attributes), sequence)
    return 'refused' in sealed ? sealed : { ...sealed, declares: range.last - range.first + 1 }
  }

  /**
   * An open span of a dead recorder, ended at the recorder's last sign of life. `isPart`: it is part of another record that is open, or
   * was.
   */
  abandoned(
    { span: open, notes, isPart }: Pick<EndedSpan, 'span' | 'notes'> & { readonly isPart: boolean },
    time: number,
    sequence: number,
  ): SealResult {
    const operation = operationOf(open)
    const { doneAt } = notes
    if (typeof doneAt === 'number') return this.#done({ span: open, notes }, doneAt, sequence)
    const end = nanoseconds(time)
    const isAgent = operation === 'invoke_agent'
    const isInTurn = isAgent && isPart && open.scope.name !== instrumentationScope
    const extra = {
      'turnlog.abandoned': true,
      // What it is part of has ended with it, and is the error.
      ...(isPart ? { 'turnlog.error.repeated': true } : {}),
      ...(isInTurn ? { 'turnlog.agent.in_turn': true } : {}),
      ...(isAgent && !isInTurn ? { 'turnlog.turn.outcome': 'abandoned' } : {}),
      ...(operation === 'execute_tool' ? { 'turnlog.tool_call.unfinished': true } : {}),
    } satisfies { [Name in AttributeName]?: unknown }
    const span = {
      ...open,
      end: isBefore(end, open.start) ? open.start : end,
      status: { code: 2, message: 'abandoned' },
    }
    return this.span({ span, notes, pieces: undefined }, sequence, extra)
  }

  /** An open turn that only waited for more to come, and had ended otherwise. */
  #done({ span: open, notes }: Pick<EndedSpan, 'span' | 'notes'>, at: number, sequence: number) {
    const extra = { 'turnlog.turn.outcome': 'completed' } satisfies {
      [Name in AttributeName]?: unknown
    }
    const end = nanoseconds(at)
    const span = { ...open, end: isBefore(end, open.start) ? open.start : end }
    return this.span({ span, notes, pieces: undefined }, sequence, extra)
  }

  /** The end of a session whose recorder died before it could record it. */
  abandonedSession(time: number, sequence: number): SealResult {
    const attributes = { ['turnlog.abandoned' satisfies AttributeName]: true }
    return this.log(ownLog('session.end', time, attributes), sequence)
  }

  #toRecord(
    record: Pick<SealedRecord, 'signal' | 'sequence' | 'scope' | 'time'>,
    toOtlp: (attributes: SealedAttributes) => object,
    holders: OpenRecord['holders'],
    hashes: OpenRecord['hashes'] = new Map(),
  ): SealResult {
    const common = {
      ...this.#options.identity.common,
      ['turnlog.sequence' satisfies AttributeName]: record.sequence,
    }
    const toJson = (): string => JSON.stringify(toOtlp({ ...holders[0], ...common }))
    const { json, contents } = takeOutOfLine({ holders, toJson, hashes }, this.#options.rules)
    const isTooLarge = json.length > recordBytesMax || Buffer.byteLength(json) > recordBytesMax
    return isTooLarge ? { refused: 'record_too_large' } : { ...record, json, contents, declares: 0 }
  }
}

/**
 * Contents that are missing or cannot be read never cost the span: it is sealed without them, and says so. Throws only errors
 * that may heal, such as a disk that is short of something.
 */
function sealSpan(ended: EndedSpan, context: SealContext): SealedSpan {
  const span = redactSpan(ended.span)
  const seal = kindOf(ended, context)
  const attempt = (isWhole: boolean): SealedSpan =>
    seal({ ...ended, span }, redactAttributes(ended.span.attributes), { ...context, isWhole })
  if (!context.contents.isWhole(span.spanId, ended.pieces)) return attempt(false)
  try {
    return attempt(true)
  } catch (cause) {
    if (mayHeal(cause)) throw cause
    failed('seal a span with its contents', cause)
    return attempt(false)
  }
}

const sealOther: SealKind = ({ span }, attributes) => ({ span, attributes })

function kindOf({ span }: EndedSpan, { contents }: SealContext): SealKind {
  if (contents.wire(span.spanId).size > 0) return sealModelCall
  if (span.scope.name !== instrumentationScope) return sealNativeSpan
  const operationId = span.attributes['turnlog.file_operation.id' satisfies AttributeName]
  if (typeof operationId === 'string') return sealFileOperation
  switch (operationOf(span)) {
    case 'invoke_agent':
      return sealTurn
    case 'execute_tool':
      return sealToolCall
    default:
      return sealOther
  }
}

/** Too many open files or no memory may heal by the next attempt; a damaged disk or a missing file does not. */
export function mayHeal(cause: unknown): boolean {
  return /^(EMFILE|ENFILE|ENOMEM|EAGAIN|EBUSY|EINTR|ENOSPC|EDQUOT)$/.test(errorCode(cause) ?? '')
}

/** Copies whose attributes may be changed. */
function withOpenAttributes<
  Item extends { readonly attributes?: Readonly<Record<string, unknown>> },
>(items: readonly Item[] | undefined) {
  return items?.map((item) => ({ ...item, attributes: { ...item.attributes } as SealedAttributes }))
}

/** Hashes of a file operation's own contents, so that they are not hashed again. */
function hashesIn(attributes: SealedAttributes): Map<string, ContentHash> {
  const hashes = new Map<string, ContentHash>()
  for (const side of ['before', 'after', 'overwritten'] as const) {
    const name = `turnlog.file_operation.${side}` satisfies AttributeName
    const hash = parseContentHash(attributes[`${name}.sha256`])
    if (hash !== undefined) hashes.set(name, hash)
  }
  return hashes
}

function ownLog(eventName: string, time: number, attributes: SealedAttributes): JournaledLog {
  const at = nanoseconds(time)
  const scope = { name: instrumentationScope, schemaUrl }
  return { eventName, time: at, observed: at, severity: severity.warn, attributes, scope }
}

function nanoseconds(milliseconds: number): string {
  return `${Math.max(0, Math.floor(milliseconds * 1_000))}000`
}
