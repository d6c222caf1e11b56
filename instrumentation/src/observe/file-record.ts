/**
 * The record of one file operation: its span, the turn or tool call it belongs to, and the file before and after it.
 *
 * An operation of a request that is no turn yet is kept in memory, within `heldBytesMax`, and is recorded with its own times
 * once the request becomes a turn. If it never does, nothing is recorded.
 */
import { randomUUID } from 'node:crypto'
import { type Context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { AttributeName } from '@turnlog/conventions'
import { defined } from '@turnlog/conventions/plain'
import { callOfFile } from '../record/call-of-file.ts'
import { Candidate } from '../record/candidate.ts'
import { apiCallOf, turnNaming, turnOf } from '../record/contexts.ts'
import { type FileOwner, inheritedFileOwner } from '../record/inherited-owner.ts'
import type { ContentSlot, Recorder } from '../record/recorder.ts'
import type { ToolCall } from '../record/tool-call.ts'
import type { FileLocation, HostFiles } from './host-files.ts'

/** Starts that a new journal file repeats. Beyond it, an operation that a kill cuts off is not recorded. */
const startedMax = 256
/** Limit for the contents of all requests of this thread that are not turns yet. */
const heldBytesMax = 64 * 1024 ** 2

/** The purpose of a call; the sealer derives the kind of operation from the file before and after. */
export type FileOperationKind = 'write' | 'delete' | 'rename'

/** A tool call that the app reports, a turn or a request that may become one, or what this thread or process inherited. */
export type FileOperationOwner = FileOwner | Candidate

/**
 * The innermost of these in whose context the operation is made; `undefined` if there is none. `names`: how an argument of a tool
 * call may write the path.
 */
export function ownerOfFiles(
  active: Context,
  names: readonly string[] = [],
): FileOperationOwner | undefined {
  const call = apiCallOf(active)
  if (call !== undefined) return call
  const candidate = turnOf(active) ?? turnNaming(active, names)
  return candidate?.span === undefined ? (inheritedFileOwner(active) ?? candidate) : candidate
}

/** The turn that an operation belongs to, directly or by its tool call. */
export function turnOfOperation({
  owner,
  active,
}: Pick<FileSpanFacts, 'owner' | 'active'>): Candidate | undefined {
  return owner instanceof Candidate ? owner.turn : turnOf(active)
}

export interface FileSpanFacts {
  readonly kind: FileOperationKind
  readonly source: 'fs' | 'api' | 'process'
  readonly location: FileLocation
  /** The earlier path, if the operation is a rename. */
  readonly previous?: FileLocation | undefined
  readonly owner: FileOperationOwner | undefined
  readonly active: Context
  /** The tool calls that were open when the operation began, if that was before now. */
  readonly openCalls?: readonly ToolCall[] | undefined
  readonly id?: string
  /** Milliseconds since 1970; now, if absent. */
  readonly startedAt?: number | undefined
}

/** The file before or after an operation; `bytes` are copied at once. */
export type FileState =
  | { readonly state: 'absent' }
  | {
      readonly state: 'content'
      readonly bytes: string | Uint8Array
      readonly mode?: number | undefined
    }
  | {
      readonly state: 'omitted'
      readonly reason: string
      readonly size?: number
      readonly mode?: number
      readonly stamp?: string
    }

const sides = ['before', 'after'] as const
/** A state between calls that overlap. */
const overlapping: FileState = { state: 'omitted', reason: 'overlapping_writes' }

export type FileSideName = 'before' | 'after' | 'overwritten'

/** Starts the span, as a child of the tool call that makes the operation, if that is known. */
export function startFileSpan(
  recorder: Recorder,
  { workspace }: HostFiles,
  {
    kind,
    source,
    location,
    previous,
    owner,
    active,
    openCalls = [...(owner?.openTools.values() ?? [])],
    id = randomUUID(),
    startedAt,
  }: FileSpanFacts,
) {
  const { absolute, displayed, names } = location
  const found = callOfFile(openCalls, { names, absolute, active })
  const call = found.call ?? (owner !== undefined && 'call' in owner ? owner.call : undefined)
  const parent = found.call?.span ?? owner?.span
  const isShared = found.isShared || (owner !== undefined && 'isShared' in owner && owner.isShared)
  const span = recorder.tracer.startSpan(
    `file.${kind}`,
    {
      kind: SpanKind.INTERNAL,
      ...defined({ startTime: startedAt }),
      attributes: defined({
        'file.path': displayed,
        'turnlog.file_operation.id': id,
        'turnlog.file_operation.source': source,
        'turnlog.file_operation.outside_workspace': location.isOutside || undefined,
        'turnlog.file_operation.shared': isShared || undefined,
        'turnlog.file_operation.previous_path': previous?.displayed,
      } satisfies { [Name in AttributeName]?: string | boolean | undefined }),
    },
    parent === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, parent),
  )
  call?.changed.add(absolute)
  recorder.note(span, {
    operation: kind,
    absolutePath: absolute,
    workspace,
    previousAbsolutePath: previous?.absolute,
    toolName: call?.name,
    toolCallId: call?.id,
  })
  return {
    span,
    call,
    /** A side that is noted again, with another `edition`, takes the place of the first. */
    note(side: FileSideName, state: FileState, edition = 0): void {
      if (state.state === 'content') {
        recorder.content(span, `file.${side}` satisfies ContentSlot, state.bytes, edition)
        recorder.note(span, { [side]: { state: 'content', mode: state.mode, edition } })
      } else recorder.note(span, { [side]: notable(state) })
    },
  }
}

/** Leaves out what the sealer does not read. */
function notable(state: Exclude<FileState, { state: 'content' }>): object {
  if (state.state === 'absent') return { state: 'absent' }
  const { reason, size, mode, stamp } = state
  return { state: 'omitted', reason, size, mode, stamp: reason === 'too_large' ? stamp : undefined }
}

/** The shared parts of the file records of one thread. */
export interface FileRecordOptions {
  readonly recorder: Recorder
  readonly files: HostFiles
  /** Milliseconds since 1970. */
  readonly now: () => number
}

type FileSpan = ReturnType<typeof startFileSpan>

/** One operation, from its begin. It ends once: recorded, or discarded. */
export class FileRecord {
  /** Bytes of all records that are held. */
  static #heldBytes = 0
  /** Records whose start is journaled. */
  static #started = 0

  readonly facts: FileSpanFacts
  readonly #options: FileRecordOptions
  /** What is kept of an operation that belongs to no turn yet. */
  readonly #held = new Map<FileSideName, FileState>()
  #live: FileSpan | undefined
  /** How often each side was noted. */
  readonly #editions = new Map<FileSideName, number>()
  /** The state before it, without its bytes. */
  #before: FileState | undefined
  /** The record that has this operation's before, and that must therefore be recorded first. */
  hasBorrowed: boolean = false
  #error: string | undefined
  #isStarted: boolean = false
  #isOpen: boolean = false
  #isShared: boolean = false
  /** How many other operations it stands for. */
  #merged: number = 0
  #endedAt: number | undefined
  #isPostponed: boolean = false
  #state: 'begun' | 'recorded' | 'discarded' = 'begun'

  constructor(facts: FileSpanFacts, options: FileRecordOptions) {
    this.#options = options
    const { owner } = facts
    this.facts = { ...facts, startedAt: facts.startedAt ?? options.now() }
    if (owner === undefined || owner.span !== undefined) this.#live = this.#startSpan(facts)
    else if ('whenTurn' in owner)
      owner.whenTurn(
        () => this.#goLive(),
        () => this.discard(),
      )
  }

  note(side: FileSideName, state: FileState): void {
    if (this.#state !== 'begun') return
    const edition = this.#editions.get(side) ?? 0
    this.#editions.set(side, edition + 1)
    if (side === 'before')
      this.#before = state.state === 'content' ? { ...state, bytes: '' } : state
    if (this.#live !== undefined) this.#live.note(side, state, edition)
    else this.#hold(side, state)
  }

  /** The state before this operation is the one that was noted before `other`, which is recorded later. */
  noteBeforeOf(other: FileRecord): void {
    const noted = other.#held.get('before') ?? other.#before
    const lender = other.#live?.span
    if (noted === undefined) return
    if (noted.state !== 'content' || lender === undefined || this.#live === undefined) {
      this.note('before', noted)
      return
    }
    this.#editions.set('before', 1)
    this.hasBorrowed = true
    const { spanId } = lender.spanContext()
    const { mode } = noted
    this.#options.recorder.note(this.#live.span, { before: { state: 'content', mode, of: spanId } })
  }

  /**
   * The call goes on when this JavaScript turn is over: if the process is killed then, the operation is recorded as
   * abandoned.
   */
  journalStart(): void {
    if (this.#live === undefined || this.#state !== 'begun') return
    if (!this.#isStarted) {
      if (FileRecord.#started >= startedMax) return
      FileRecord.#started += 1
      this.#isStarted = true
    }
    this.#options.recorder.startAgain(this.#live.span)
  }

  /** The host's call failed, and changed the file nevertheless. */
  fail(error: string): void {
    this.#error = error
  }

  /** The file is still open for writing. */
  markOpen(): void {
    this.#isOpen = true
  }

  /**
   * Another operation on the path, whose states cannot be told apart from this one's, is a part of it. The caller
   * discards it.
   */
  absorb(other: FileRecord): void {
    this.#merged += 1 + other.#merged
    this.#isShared ||=
      other.facts.owner !== this.facts.owner || other.#live?.call !== this.#live?.call
  }

  /** The operation is over. It is recorded now, or with `record` if it is postponed. */
  end({ isPostponed = false } = {}): void {
    if (this.#state !== 'begun' || this.#endedAt !== undefined) return
    for (const side of this.facts.kind === 'write' ? sides : sides.slice(0, 1)) {
      if (!this.#editions.has(side)) this.note(side, overlapping)
    }
    // The span's own clock is finer than ours.
    const isNow = this.#live !== undefined && !isPostponed
    this.#endedAt = isNow ? 0 : this.#options.now()
    this.#isPostponed = isPostponed
    if (isPostponed) this.journalStart()
    this.#recordIfReady()
  }

  /** Records a postponed operation. */
  recordNow(): void {
    this.#isPostponed = false
    this.#recordIfReady()
  }

  discard(): void {
    if (this.#state !== 'begun') return
    this.#close('discarded')
    if (this.#live !== undefined) {
      this.#options.recorder.discard(this.#live.span.spanContext().spanId)
    }
  }

  #recordIfReady(): void {
    const live = this.#live
    if (this.#state !== 'begun' || live === undefined) return
    if (this.#endedAt === undefined || this.#isPostponed) return
    this.#close('recorded')
    const { span } = live
    span.setAttributes(
      defined({
        'turnlog.file_operation.open': this.#isOpen || undefined,
        'turnlog.file_operation.shared': this.#isShared || undefined,
        'turnlog.file_operation.merged': this.#merged || undefined,
        'error.type': this.#error,
      } satisfies { [Name in AttributeName]?: string | number | boolean | undefined }),
    )
    if (this.#error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end(this.#endedAt === 0 ? undefined : this.#endedAt)
  }

  #close(state: 'recorded' | 'discarded'): void {
    this.#state = state
    this.#release()
    if (this.#isStarted) FileRecord.#started -= 1
  }

  #startSpan(facts: FileSpanFacts): FileSpan {
    const { recorder, files } = this.#options
    return startFileSpan(recorder, files, facts)
  }

  /** The request has become a turn. */
  #goLive(): void {
    if (this.#state !== 'begun') return
    this.#live = this.#startSpan(this.facts)
    for (const [side, state] of this.#held) this.#live.note(side, state)
    this.#release()
    if (this.#endedAt === undefined || this.#isPostponed) this.journalStart()
    this.#recordIfReady()
  }

  #hold(side: FileSideName, state: FileState): void {
    if (state.state !== 'content') {
      this.#held.set(side, state)
      return
    }
    const { bytes, mode } = state
    const size = bytes.length
    if (FileRecord.#heldBytes + size > heldBytesMax) {
      this.#held.set(side, { state: 'omitted', reason: 'not_held', ...defined({ size, mode }) })
      return
    }
    FileRecord.#heldBytes += size
    const copy = typeof bytes === 'string' ? bytes : new Uint8Array(bytes)
    this.#held.set(side, { ...state, bytes: copy })
  }

  #release(): void {
    for (const state of this.#held.values()) {
      if (state.state === 'content') FileRecord.#heldBytes -= state.bytes.length
    }
    this.#held.clear()
  }
}
