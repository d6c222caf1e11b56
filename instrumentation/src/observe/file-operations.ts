/** One file operation: its span, the turn or tool call it belongs to, and the file before and after it. */
import { isUtf8 } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Context, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api'
import type { AttributeName } from '@turnlog/conventions'
import { defined } from '@turnlog/conventions/plain'
import { apiCallOf, candidateOf, contexts } from '../record/contexts.ts'
import { type FileOwner, inheritedFileOwner } from '../record/inherited-owner.ts'
import type { ContentSlot, Recorder } from '../record/recorder.ts'
import { callOfFile } from '../record/tool-call.ts'
import type { FileLocation, HostFiles } from './host-files.ts'

export interface BegunOperation {
  /** The purpose of the call; the sealer derives the kind of operation from the file before and after. */
  readonly kind: 'write' | 'delete' | 'rename'
  /** As the host gave it. Descriptors and file handles are not followed. */
  readonly path: unknown
  readonly previousPath?: unknown
}

/** The innermost tool call reported by the app, else the turn, else what this thread or process inherited. */
export function ownerOfFiles(active: Context): FileOwner | undefined {
  const call = apiCallOf(active)
  if (call !== undefined) return call
  const candidate = candidateOf(active)
  if (candidate?.span === undefined) return inheritedFileOwner(active)
  const { span, openTools, createdFiles } = candidate
  return { span, openTools, createdFiles }
}

export interface FileSpanFacts {
  readonly kind: BegunOperation['kind']
  readonly source: 'fs' | 'api'
  readonly location: FileLocation
  /** Of a rename: where the file was. */
  readonly previous: FileLocation | undefined
  readonly owner: FileOwner | undefined
  readonly active: Context
  readonly id?: string
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
    }

/** Starts the span, as a child of the tool call that makes the operation, if that is known. */
export function startFileSpan(
  recorder: Recorder,
  { workspace }: HostFiles,
  { kind, source, location, previous, owner, active, id = randomUUID() }: FileSpanFacts,
) {
  const { absolute, displayed, names } = location
  const activeSpanId = trace.getSpan(active)?.spanContext().spanId
  const found = callOfFile(owner?.openTools.values() ?? [], { names, absolute, activeSpanId })
  const call = found.call ?? owner?.call
  const parent = found.call?.span ?? owner?.span
  const span = recorder.tracer.startSpan(
    `file.${kind}`,
    {
      kind: SpanKind.INTERNAL,
      attributes: defined({
        'file.path': displayed,
        'turnlog.file_operation.id': id,
        'turnlog.file_operation.source': source,
        'turnlog.file_operation.outside_workspace': location.isOutside || undefined,
        'turnlog.file_operation.shared': found.isShared || owner?.isShared || undefined,
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
    note(side: 'before' | 'after' | 'overwritten', state: FileState): void {
      if (state.state === 'content') {
        recorder.content(span, `file.${side}` satisfies ContentSlot, state.bytes)
        recorder.note(span, { [side]: { state: 'content', mode: state.mode } })
      } else recorder.note(span, { [side]: state })
    },
  }
}

/** An operation whose call has not returned. */
export interface PendingOperation {
  succeed(): void
  fail(): void
}

/** Begins the operations that the host makes through `node:fs`. */
export class FileOperations {
  readonly #recorder: Recorder
  readonly #files: HostFiles

  constructor(recorder: Recorder, files: HostFiles) {
    this.#recorder = recorder
    this.#files = files
  }

  /** Looks at the disk before the host's call. `undefined`: not an operation that is recorded. */
  begin(called: BegunOperation): PendingOperation | undefined {
    const active = contexts.active()
    const owner = ownerOfFiles(active)
    if (owner === undefined) return undefined
    const files = this.#files
    const isSave = this.#isSave(called, owner.createdFiles)
    const kind = isSave ? 'write' : called.kind
    const given = pathOf(called.path)
    if (given === undefined) return undefined
    const isLink = kind !== 'write'
    const location = files.locate(given, { isLink })
    if (location.isIgnored) return undefined
    const from = kind === 'rename' ? pathOf(called.previousPath) : undefined
    const previous = from === undefined ? undefined : files.locate(from, { isLink: true })
    // A file renamed to its own name stays as it is.
    if (previous?.absolute === location.absolute) return undefined

    const before = files.read((previous ?? location).absolute, { isLink })
    if (before.state === 'omitted' && before.isDirectory === true) return undefined
    if (before.state === 'absent' && kind !== 'write') return undefined
    const facts = { kind, source: 'fs', location, previous, owner, active } as const
    const { span, note } = startFileSpan(this.#recorder, files, facts)
    note('before', before)
    if (kind === 'rename') {
      const overwritten = files.read(location.absolute, { isLink: true })
      if (overwritten.state !== 'absent') note('overwritten', overwritten)
    }
    const existed = before.state !== 'absent'
    const discard = (): void => this.#recorder.discard(span.spanContext().spanId)
    return {
      fail: discard,
      succeed() {
        if (kind === 'write') {
          const after = files.read(location.absolute)
          // A device or a pipe has no content to show.
          if (after.state === 'omitted' && after.reason === 'not_a_file') return discard()
          note('after', after)
        }
        noteCreated(facts, existed)
        span.end()
      },
    }
  }

  /**
   * How editors and careful tools save: they rename a file that the turn has just created over an existing one. That is a
   * write of the target, with its before and after, not a rename of the temporary file.
   */
  #isSave(operation: BegunOperation, createdFiles: ReadonlySet<string>): boolean {
    if (operation.kind !== 'rename' || createdFiles.size === 0) return false
    const [from, to] = [pathOf(operation.previousPath), pathOf(operation.path)]
    if (from === undefined || to === undefined) return false
    const [source, target] = [this.#files.realParent(from), this.#files.realParent(to)]
    if (source === target || !createdFiles.has(source)) return false
    return this.#files.read(target, { isLink: true }).state === 'content'
  }
}

/** Keeps `createdFiles` true after an operation has succeeded. */
function noteCreated(
  { kind, location: { absolute }, previous, owner }: FileSpanFacts,
  existed: boolean,
): void {
  if (kind === 'write') {
    if (!existed) owner?.createdFiles.add(absolute)
  } else if (owner?.createdFiles.delete(previous?.absolute ?? absolute) && kind === 'rename') {
    owner.createdFiles.add(absolute)
  }
}

/** Node's path arguments: a string, bytes, or a file URL. A name that is not UTF-8 is not followed. */
function pathOf(value: unknown): string | undefined {
  if (typeof value === 'string') return path.resolve(value)
  if (value instanceof URL) return fileURLToPath(value)
  if (!(value instanceof Uint8Array) || !isUtf8(value)) return undefined
  return path.resolve(Buffer.from(value).toString())
}
