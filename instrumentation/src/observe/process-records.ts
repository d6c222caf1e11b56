/**
 * Records what the workspace thread has found: a file operation for each change, in the trace of the turn whose tool started
 * the child, and a log event for each child. Recording takes `sliceMs` of one turn of the host's event loop, then pauses
 * for `pauseMs`. At the exit of the process the rest is recorded at once, for `exitMsMax`; what is left then is counted.
 */
import { ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { type AttributeName, severity } from '@turnlog/conventions'
import { defined } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'
import type { After } from '../record/delayed-ends.ts'
import type { Recorder } from '../record/recorder.ts'
import type { UnseenWork } from '../record/unseen-work.ts'
import type { FileChange } from '../workspace/file-change.ts'
import type { ComparisonReport } from '../workspace/protocol.ts'
import type { ChildOwner } from './child-owner.ts'
import { type FileOperationOwner, startFileSpan } from './file-record.ts'
import type { HostFiles } from './host-files.ts'

const sliceMs = 3
const pauseMs = 5
const exitMsMax = 100
/** A longer command line is a script that was given as an argument. */
const commandLengthMax = 64 * 1024
/** How many excluded folders a record names. */
const foldersNamedMax = 20

/** A time in which changes of files may come from a child process, or from native code. */
export interface ChangeWindow {
  readonly id: number
  readonly owner: ChildOwner
  /** It is a time in which native code of the app may change files. */
  readonly isNative: boolean
  filesChanged: number
}

/** A child process of the host, from its start until its last comparison is recorded. */
export interface Child extends ChangeWindow {
  /** The name of the program, without its folder. */
  readonly program: string
  /** `undefined` when contents are not captured. */
  readonly command: string | undefined
  readonly startedAt: number
  pid: number | undefined
  endedAt: number | undefined
  exitCode: number | undefined
  signal: string | undefined
  /** The sum over its comparisons. */
  filesNotRecorded: number
  changedByOthers: number
  isPartial: boolean
  /** How long before its start the workspace was last looked at, in milliseconds; `undefined`: never, or that is not known yet. */
  lookAgeMs: number | undefined
}

/** Why a child's changes are not known. */
export type NotComparedReason =
  | 'process_exit'
  | 'comparison_failed'
  | 'children_limit'
  | 'outlived_turn'
  | 'worker_thread'

export interface ProcessRecordsOptions {
  readonly recorder: Recorder
  readonly files: HostFiles
  readonly unseen: UnseenWork
  /** The child that is open, or whose comparison is not recorded; or the same of native code. */
  readonly windowOf: (id: number) => ChangeWindow | undefined
  /** The child's last comparison is recorded. */
  readonly onRecorded: (child: Child) => void
  /** Milliseconds, monotonic. */
  readonly clock: () => number
  readonly after: After
}

export class ProcessRecords {
  readonly #options: ProcessRecordsOptions
  #waiting: Iterator<void>[] = []
  #isScheduled: boolean = false

  constructor(options: ProcessRecordsOptions) {
    this.#options = options
  }

  /** Records that the child has started. If the host is killed, this is its only record. */
  started(child: Child): void {
    this.#emit('turnlog.process.started', child, {})
  }

  /** JSON of `FileChange`s. */
  add(json: Uint8Array): void {
    this.#later(this.#recordChanges(json))
  }

  compared(child: Child, report: ComparisonReport): void {
    this.afterChanges(() => {
      this.recordEnd(child, report)
      this.#options.onRecorded(child)
    })
  }

  /** Runs `step` when the changes that were found so far are recorded. */
  afterChanges(step: () => void): void {
    this.#later(stepsOf(step))
  }

  /** The child's changes are recorded. */
  recordEnd(child: Child, report: ComparisonReport): void {
    if (child.filesNotRecorded > 0) {
      this.#countUnseen(child, 'changes_limit', child.filesNotRecorded)
    }
    this.#recordEnd(child, {
      ...attributesOf(report, child),
      'turnlog.process.files_changed': child.filesChanged,
    })
  }

  /** Nothing is known of what the child changed. */
  notCompared(child: Child, reason: NotComparedReason): void {
    this.#countUnseen(child, reason, 1)
    this.#recordEnd(child, {
      'turnlog.process.not_compared_reason': reason,
      // None is known, unless it was compared before.
      'turnlog.process.files_changed': child.filesChanged || undefined,
    })
    this.#options.onRecorded(child)
  }

  /** At the exit of the process. */
  finish(): void {
    this.#run(exitMsMax)
    this.#waiting = []
  }

  /** Only a child of a turn does an agent's work. */
  #countUnseen({ owner }: Child, why: string, count: number): void {
    owner.whenTurn(() => this.#options.unseen.add({ reason: 'workspace_change', why }, count))
  }

  *#recordChanges(json: Uint8Array): Iterator<void> {
    const changes: readonly FileChange[] = JSON.parse(Buffer.from(json).toString())
    for (const change of changes) {
      yield quietly('record a change of a child process', () => this.#recordChange(change))
    }
  }

  #later(steps: Iterator<void>): void {
    this.#waiting.push(steps)
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#work()).unref()
  }

  #work(): void {
    this.#run(sliceMs)
    this.#isScheduled = this.#waiting.length > 0
    if (this.#isScheduled) this.#options.after(pauseMs, () => this.#work())
  }

  #run(ms: number): void {
    const { clock } = this.#options
    const until = clock() + ms
    while (clock() < until) {
      const [steps] = this.#waiting
      if (steps === undefined) return
      const next = quietly('record a child process', () => steps.next())
      if (next === undefined || next.done === true) this.#waiting.shift()
    }
  }

  #recordChange(change: FileChange): void {
    const found = change.windows.flatMap((id) => this.#options.windowOf(id) ?? [])
    const [window] = found
    if (window === undefined) return
    window.filesChanged += 1
    const { owner } = window
    owner.whenTurn(() => this.#recordOperation(change, owner, callsOf(found)))
  }

  #recordOperation(
    change: FileChange,
    childOwner: ChildOwner,
    { calls, isAmbiguous }: ReturnType<typeof callsOf>,
  ): void {
    const { recorder, files } = this.#options
    const { kind, path, previousPath, before, after, overwritten, isUncertain, at } = change
    const { active, owner, isShared } = childOwner
    if (owner.span === undefined) return
    const { span } = startFileSpan(recorder, files, {
      kind,
      source: 'process',
      location: files.locateReal(path),
      previous: previousPath === undefined ? undefined : files.locateReal(previousPath),
      owner: {
        span: owner.span,
        createdFiles: owner.createdFiles,
        openTools: new Map(calls.map((call, index) => [String(index), call])),
        isShared: isShared || isAmbiguous || isUncertain,
      },
      active,
      startedAt: at,
    })
    recorder.note(span, defined({ before, after, overwritten }))
    span.end(at)
  }

  #recordEnd(child: Child, attributes: ProcessAttributes): void {
    const { startedAt, endedAt, exitCode, signal } = child
    this.#emit('turnlog.process.ended', child, {
      ...attributes,
      ...defined({
        'process.exit.code': exitCode,
        'turnlog.process.signal': signal,
        'turnlog.process.duration':
          endedAt === undefined ? undefined : (endedAt - startedAt) / 1_000,
      }),
    })
  }

  #emit(eventName: string, child: Child, attributes: ProcessAttributes): void {
    const { id, owner, program, command, pid } = child
    const isTooLong = command !== undefined && command.length > commandLengthMax
    owner.whenTurn(() => {
      const { parent } = owner
      this.#options.recorder.logger.emit({
        eventName,
        severityNumber: severity.info,
        context: parent === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, parent),
        attributes: {
          'turnlog.process.id': id,
          'process.executable.name': program,
          ...defined({
            'process.pid': pid,
            'turnlog.process.command': isTooLong ? undefined : command,
            'turnlog.process.command.size':
              command === undefined ? undefined : Buffer.byteLength(command),
            'turnlog.process.command.omitted': isTooLong ? 'too_large' : undefined,
          } satisfies ProcessAttributes),
          ...attributes,
        } satisfies ProcessAttributes,
      })
    })
  }
}

/**
 * The tool calls that a change may belong to: none, if children with several parents may have made it, since it then belongs
 * to the turn. If native code of several tool calls may have made it, the call whose arguments name the file gets it.
 */
function callsOf(windows: readonly ChangeWindow[]) {
  const owners = windows.map(({ owner }) => owner)
  const calls = [...new Set(owners.flatMap(({ call }) => call ?? []))]
  const [first] = owners
  const isOneTurn = owners.every(({ owner }) => spanIdOf(owner) === spanIdOf(first?.owner))
  if (isOneTurn && windows.every(({ isNative }) => isNative)) return { calls, isAmbiguous: false }
  const isAmbiguous = owners.some(({ parent }) => parent !== first?.parent)
  return { calls: isAmbiguous ? [] : calls, isAmbiguous }
}

function spanIdOf(owner: FileOperationOwner | undefined): string | undefined {
  return owner?.span?.spanContext().spanId
}

type ProcessAttributes = {
  [Name in AttributeName]?: string | number | boolean | string[] | undefined
}

function attributesOf(
  { filesCompared, skips, excludedFolders }: ComparisonReport,
  { filesNotRecorded, changedByOthers, isPartial, lookAgeMs }: Child,
): ProcessAttributes {
  const reasons = [...skips, ['changes_limit', filesNotRecorded] as const].filter(([, n]) => n > 0)
  return {
    'turnlog.process.files_compared': filesCompared,
    'turnlog.process.files_not_compared': reasons.reduce((sum, [, count]) => sum + count, 0),
    ...(reasons.length === 0
      ? {}
      : { 'turnlog.process.not_compared': JSON.stringify(Object.fromEntries(reasons)) }),
    ...(excludedFolders.length === 0
      ? {}
      : { 'turnlog.process.excluded_folders': excludedFolders.slice(0, foldersNamedMax) }),
    ...(changedByOthers === 0 ? {} : { 'turnlog.process.changed_by_others': changedByOthers }),
    'turnlog.process.partial': isPartial || filesNotRecorded > 0,
    ...(lookAgeMs === undefined ? {} : { 'turnlog.process.look_age': lookAgeMs / 1_000 }),
  }
}

function* stepsOf(step: () => void): Iterator<void> {
  yield step()
}
