/**
 * The tool call, turn or request that started a child process. The request may be no turn yet, because its tools run before
 * its first model call: then the call is known only when the request turns out to be a turn, or to continue one.
 */
import { type Context, ROOT_CONTEXT, type Span } from '@opentelemetry/api'
import { callOfFile } from '../record/call-of-file.ts'
import { apiCallOf, requestOf } from '../record/contexts.ts'
import { inheritedOwner } from '../record/inherited-owner.ts'
import type { ToolCall } from '../record/tool-call.ts'
import { type FileOperationOwner, ownerOfFiles } from './file-record.ts'

/** Texts of one child that are compared with the arguments of tool calls. */
const namesMax = 50

export class ChildOwner {
  readonly active: Context
  readonly owner: FileOperationOwner
  readonly #names: string[]
  #found: ReturnType<typeof callOfFile> | undefined

  constructor(active: Context, owner: FileOperationOwner, names: readonly string[]) {
    this.active = active
    this.owner = owner
    this.#names = names.slice(0, namesMax)
    if (owner.span !== undefined) this.#findCall()
  }

  /** The owner of what is done in the time of `owner`, or of its tool call `call`. */
  static known(owner: FileOperationOwner, call: ToolCall | undefined): ChildOwner {
    const known = new ChildOwner(ROOT_CONTEXT, owner, [])
    known.#found = { call, isShared: false }
    return known
  }

  /** The tool call, where there is one. */
  get call(): ToolCall | undefined {
    return this.#found?.call
  }

  /** More than one open tool call could have started it. */
  get isShared(): boolean {
    return this.#found?.isShared === true
  }

  /** The parent of what the child does; `undefined` as long as its request is no turn. */
  get parent(): Span | undefined {
    return this.call?.span ?? this.owner.span
  }

  /** Now, or when the request becomes a turn; never, if it does not. */
  whenTurn(step: () => void): void {
    const { owner } = this
    const run = (): void => {
      if (this.#found === undefined) this.#findCall()
      step()
    }
    if (owner.span !== undefined) run()
    else if ('whenTurn' in owner) owner.whenTurn(run, () => undefined)
  }

  isSameAs({ owner, call }: ChildOwner): boolean {
    return this.owner === owner && this.call === call
  }

  /** Adds texts for what the child does before its request is a turn: a tool's argument may name them. */
  addNames({ owner }: ChildOwner, names: readonly string[]): void {
    if (owner.span === undefined) this.#names.push(...names.slice(0, namesMax - this.#names.length))
  }

  #findCall(): void {
    const { active, owner } = this
    const { call, isShared } = callOfFile(owner.openTools.values(), {
      names: this.#names,
      absolute: '',
      active,
    })
    this.#found = {
      call: call ?? ('call' in owner ? owner.call : undefined),
      isShared: isShared || ('isShared' in owner && owner.isShared === true),
    }
  }
}

/**
 * `undefined` outside any turn and tool call, and in a child process whose parent compares the workspace. `names`: the
 * command, as a tool's argument may write it.
 */
export function ownerOfChild(active: Context, names: readonly string[]): ChildOwner | undefined {
  const owner = ownerOfFiles(active, names)
  if (owner === undefined) return undefined
  if (apiCallOf(active) === undefined && requestOf(active)?.turn.span === undefined) {
    if (inheritedOwner(active)?.reports !== undefined) return undefined
  }
  return new ChildOwner(active, owner, names)
}
