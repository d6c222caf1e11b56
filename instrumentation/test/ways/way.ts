/**
 * A way to change a file: how an app does it, and the operations that must be recorded of it, to the byte. The same list is
 * run by an app under the preload (`host.ts`) and compared with its records by the test (`run-ways.ts`).
 */
import type { FileOperationType } from '@turnlog/conventions'
import { callIn } from './call-in.ts'

export type Content = string | Uint8Array

/** Any content may be recorded where the order of writes is not determined: then it must be one of these. */
export interface AnyOf {
  readonly anyOf: readonly (Content | Absent | Unknown)[]
}
/** There was no file. */
export type Absent = 'absent'
/** The content was not stored, and this is recorded. */
export interface Unknown {
  readonly unknown: true
}
/** The file as it is after the way, for contents that the way does not determine, such as a database. */
export interface OnDisk {
  readonly onDisk: true
}
/** A content above the limit: only its hash and size are recorded, with the reason. */
export interface TooLarge {
  readonly tooLarge: Uint8Array
}

export type State = { readonly is: Content } | AnyOf | Absent | Unknown | OnDisk | TooLarge

export const unknown: Unknown = { unknown: true }
export const onDisk: OnDisk = { onDisk: true }

export interface ExpectedOperation {
  readonly type: FileOperationType
  /** Relative to the way's folder. `OUTSIDE/…` is outside the workspace, `tmp-XXXXXX` a folder of `mkdtemp`. */
  readonly path: string
  readonly previousPath?: string
  readonly before: State
  readonly after: State
  /** The file that a rename replaced. */
  readonly overwritten?: State
  /** Default: the source of the way. */
  readonly source?: Source
}

/** `either`: the change is the app's and a child's at once. */
export type Source = 'fs' | 'process' | 'either'

export interface Here {
  /** The way's folder in the workspace, absolute. */
  readonly folder: string
  /** A folder outside the workspace. */
  readonly outside: string
  at(name: string): string
  /** Runs `work` once the turn has ended. */
  afterTurn(work: () => Promise<void> | void): void
}

export interface Way {
  readonly id: string
  /** Completes "a file is changed by …". */
  readonly by: string
  /** The files before it. */
  readonly files?: Readonly<Record<string, Content>>
  run(here: Here): unknown
  readonly expected: readonly ExpectedOperation[]
  /** Other records that are right, too, if the change can be recorded in more than one way. */
  readonly orElse?: readonly (readonly ExpectedOperation[])[]
  /** Default `fs`; `process` if a child process makes the change. */
  readonly source?: Source
  /** It ends after its turn, so the turn may be the parent of its operations. */
  readonly isLate?: boolean
  /** Why nothing of it is recorded, on purpose. */
  readonly excluded?: string
}

/** Thrown by a way that this version of Node does not have. */
export class MissingInNode extends Error {}

export function requireInNode(isThere: boolean, what: string): void {
  if (!isThere) throw new MissingInNode(`This Node has no ${what}.`)
}

const stateOf = (state: Content | State): State =>
  typeof state === 'object' && !(state instanceof Uint8Array) ? state : { is: state }

export function create(path: string, after: Content | State): ExpectedOperation {
  return { type: 'create', path, before: 'absent', after: stateOf(after) }
}
export function edit(
  path: string,
  before: Content | State,
  after: Content | State,
): ExpectedOperation {
  return { type: 'edit', path, before: stateOf(before), after: stateOf(after) }
}
/** A write that changed nothing. */
export function write(path: string, content: Content | State): ExpectedOperation {
  return { type: 'write', path, before: stateOf(content), after: stateOf(content) }
}
export function remove(path: string, before: Content | State): ExpectedOperation {
  return { type: 'delete', path, before: stateOf(before), after: 'absent' }
}
export function rename(
  path: string,
  previousPath: string,
  content: Content | State,
  overwritten?: Content,
): ExpectedOperation {
  return {
    type: 'rename',
    path,
    previousPath,
    before: stateOf(content),
    after: stateOf(content),
    ...(overwritten === undefined ? {} : { overwritten: stateOf(overwritten) }),
  }
}

/** The three forms of a function of `node:fs`. */
export const forms = ['sync', 'callback', 'promise'] as const
export type Form = (typeof forms)[number]
export type Call = (name: string, ...values: readonly unknown[]) => Promise<unknown>

/** One way for each form. `call` calls a function of `node:fs` in that form. */
export function inEachForm(
  { id, by, ...way }: Omit<Way, 'run'>,
  run: (here: Here, call: Call) => unknown,
  among: readonly Form[] = forms,
): Way[] {
  return among.map((form) => ({
    ...way,
    id: `${id}_${form}`,
    by: `${by} (${form})`,
    run: (here) => run(here, callIn(form)),
  }))
}
