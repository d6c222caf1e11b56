/**
 * Files that native code of the app writes: SQLite, an image library, an embedded database. No function of `node:fs` and no
 * child process shows it, so the workspace is compared at the end of each tool call and of each turn, for as long as such
 * code is loaded. The host does not wait for it, and an app without such code only keeps the start times of its tool calls.
 *
 * A change belongs to the tool call in whose time it was made; outside tool calls to the turn, and is then marked shared,
 * since a person or an editor may have made it. At most `timesMax` tool calls and turns are followed at one time.
 */
import { quietly } from '../health.ts'
import type { Candidate } from '../record/candidate.ts'
import type { ToolCall, ToolCallOwner } from '../record/tool-call.ts'
import type { ToolCallListener } from '../record/tool-calls.ts'
import { ChildOwner } from './child-owner.ts'
import type { ChildProcesses, NativeWindow } from './child-processes.ts'
import type { NativeCode, NativeWriter } from './native-code.ts'

const timesMax = 1_000

export interface NativeWritersOptions {
  readonly nativeCode: Pick<NativeCode, 'writer'>
  readonly workspace: Pick<ChildProcesses, 'openNative'>
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** The time of a tool call or a turn. */
interface OpenTime {
  readonly kind: 'call' | 'turn'
  readonly owner: ChildOwner
  readonly startedAt: number
  writer: NativeWriter | undefined
  window: NativeWindow | undefined
}

export class NativeWriters implements ToolCallListener {
  readonly #options: NativeWritersOptions
  readonly #open = new Map<ToolCall | Candidate, OpenTime>()

  constructor(options: NativeWritersOptions) {
    this.#options = options
  }

  callBegan(call: ToolCall, owner: ToolCallOwner | undefined): void {
    quietly('see a tool call begin', () => {
      if (this.#open.has(call)) return
      const { span = call.span, createdFiles = new Set<string>() } = owner ?? {}
      const ownerOfCall = { span, createdFiles, openTools: new Map<string, ToolCall>() }
      // What was changed before belongs to the turn.
      for (const time of this.#open.values()) {
        if (time.kind === 'turn' && time.owner.owner === owner) time.window?.compare()
      }
      this.#begin(call, {
        kind: 'call',
        owner: ChildOwner.known(ownerOfCall, call),
        startedAt: this.#options.now(),
      })
    })
  }

  callEnded(call: ToolCall): void {
    quietly('see a tool call end', () => this.#end(call))
  }

  turnBegan(turn: Candidate): void {
    quietly('see a turn begin', () => {
      this.#begin(turn, {
        kind: 'turn',
        owner: ChildOwner.known(turn, undefined),
        startedAt: turn.startedAt,
      })
      turn.whenEnded(() => this.turnPaused(turn))
    })
  }

  /** The turn has ended, or waits for a person. */
  turnPaused(turn: Candidate): void {
    quietly('see a turn end', () => this.#end(turn))
  }

  #begin(key: ToolCall | Candidate, facts: Omit<OpenTime, 'writer' | 'window'>): void {
    const oldest = this.#open.size >= timesMax ? this.#open.keys().next() : undefined
    if (oldest?.value !== undefined) this.#end(oldest.value)
    const time: OpenTime = { ...facts, writer: undefined, window: undefined }
    this.#open.set(key, time)
    this.#watch(time)
  }

  #end(key: ToolCall | Candidate): void {
    const time = this.#open.get(key)
    if (time === undefined) return
    // It may have been loaded meanwhile. What it wrote may belong to any that is open.
    for (const each of this.#open.values()) this.#watch(each)
    this.#open.delete(key)
    time.window?.compare(this.#options.now())
  }

  #watch(time: OpenTime): void {
    const { writer } = this.#options.nativeCode
    if (writer === undefined || writer === time.writer) return
    time.writer = writer
    const { kind, owner, startedAt, window } = time
    const facts = { kind, isOfDatabases: writer === 'databases', isStamped: false }
    time.window = this.#options.workspace.openNative(owner, { startedAt, facts, replaces: window })
  }
}
