/**
 * Children that work for several tool calls, one after another. There are two kinds: servers that get requests over their
 * standard input, such as MCP servers; and shells that the app keeps and writes its commands to. Each request, and each
 * tool call that writes to a shell, is recorded as if it were a child process.
 */
import type { Candidate } from '../record/candidate.ts'
import { candidateOf, contexts } from '../record/contexts.ts'
import type { ComparisonReport } from '../workspace/protocol.ts'
import { type Command, commandsIn } from './child-command.ts'
import { ownerOfChild } from './child-owner.ts'
import type { Child } from './process-records.ts'

/** A child whose last comparison is not recorded. */
export interface OpenChild extends Child {
  /** Its output may be open. */
  hasExited: boolean
  isTurnOver: boolean
  /** `undefined` for a tool call that the app reports outside of any turn. */
  readonly turn: Candidate | undefined
  /** The app has asked it something, or keeps it for commands. */
  isServer: boolean
  /** The call that started it has written to it: it may be kept for more. */
  isWritten: boolean
  /** It has ended, and may have left processes behind. */
  hasLeft: boolean
  /** The text by which such processes are found: their environments contain it. */
  readonly mark: string | undefined
  /** The report of the latest comparison. There will be others as long as the child, or a process that it has left behind, lives. */
  lastReport: ComparisonReport | undefined
}

/** How a process has ended, as Node says it. */
export interface ChildOutcome {
  readonly code?: unknown
  readonly signal?: unknown
}

/** What is done with the children that are compared. */
export interface OpenChildren {
  /** `undefined`: it is not compared. */
  begin(command: Command): OpenChild | undefined
  /** It runs. */
  started(child: OpenChild, pid: number | undefined): void
  end(child: OpenChild): void
  /** From now on the child works for those that ask it. */
  isAsked(child: OpenChild): void
}

/** What an observer of child processes calls when it sees one start or end. */
export interface StartedChildren extends OpenChildren {
  /** The app is about to fork, or has forked. */
  forks(isForking: boolean): void
  /** Nothing ran. */
  abandon(child: OpenChild): void
  /** The process has ended; its output may be open. */
  exited(child: OpenChild, outcome: ChildOutcome): void
  /** The process has ended, and so has its output. Without an outcome: a request, or what was written to a kept shell. */
  end(child: OpenChild, outcome?: ChildOutcome): void
}

/** Lines of one write that are compared with the arguments of tool calls. */
const linesMax = 50

/** The process of a child; a `ChildProcess` is one. */
export interface AskedProcess {
  pid?: number | undefined
}

export class AskedChildren {
  readonly #children: OpenChildren
  /** What the app last wrote to a child that it keeps, as a child of its own. */
  readonly #sessions = new WeakMap<object, OpenChild>()
  /** Requests that were not answered. */
  readonly #requests = new WeakMap<object, Set<OpenChild>>()

  constructor(children: OpenChildren) {
    this.#children = children
  }

  /**
   * A tool call asks a child that lives on, such as an MCP server: until the answer, what the child does is for that call.
   * Returns what ends it.
   */
  request(
    command: Command,
    process: AskedProcess,
    own: OpenChild | undefined,
  ): (() => void) | undefined {
    const asked = this.#children.begin(command)
    if (asked === undefined) return undefined
    this.#children.started(asked, process.pid)
    if (own !== undefined) this.#children.isAsked(own)
    const open = this.#requests.get(process) ?? new Set()
    this.#requests.set(process, open.add(asked))
    return () => {
      open.delete(asked)
      this.#children.end(asked)
    }
  }

  /**
   * A tool call writes to a child that the app keeps, such as a shell: what the child does from now on is for that call, until
   * another one writes, or the turn ends.
   */
  wrote(command: Command, process: AskedProcess, own: OpenChild | undefined): void {
    const texts = (command.texts ?? []).slice(0, linesMax).flatMap(commandsIn)
    const active = contexts.active()
    const owner = ownerOfChild(active, texts)
    // After its turn an app may go on to write, such as answers to a service's pings.
    if (owner === undefined || candidateOf(active)?.isEnded === true) return
    const current = this.#sessions.get(process)
    if (current?.endedAt === undefined && current?.owner.isSameAs(owner)) {
      current.owner.addNames(owner, texts)
      return
    }
    if (current !== undefined) this.#children.end(current)
    if (own?.endedAt === undefined && own?.isTurnOver !== true && own?.owner.isSameAs(owner)) {
      own.owner.addNames(owner, texts)
      own.isWritten = true
      return
    }
    const asked = this.#children.begin({ ...command, texts })
    if (asked === undefined) return
    // When the turn ends, this ends.
    asked.hasExited = true
    this.#sessions.set(process, asked)
    this.#children.started(asked, process.pid)
    if (own !== undefined) this.#children.isAsked(own)
  }

  /** The process has ended, and so has all that it was asked for. */
  ended(process: object): void {
    for (const asked of this.#requests.get(process) ?? []) this.#children.end(asked)
    const session = this.#sessions.get(process)
    if (session !== undefined) this.#children.end(session)
  }
}
