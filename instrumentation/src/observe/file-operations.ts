/** One file operation, from before the host's call to after it: real span, raw contents, whose tool call it was. */
import { isUtf8 } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import { ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api'
import type { AttributeName } from '@turnlog/conventions'
import { type FileSystem, originalFs } from '../file-system.ts'
import { candidateOf } from '../record/candidate-context.ts'
import { contexts } from '../record/contexts.ts'
import type { ContentSlot, Recorder } from '../record/recorder.ts'
import { attribute } from '../record/tool-call.ts'
import type { Candidate } from '../record/turn.ts'
import { createFileReader, type FileContent } from './file-reader.ts'

/** Folders that tools fill by the thousand and nobody reviews. */
const ignoredFolders: ReadonlySet<string> = new Set(['.git', 'node_modules'])

export interface FileOperationsOptions {
  readonly recorder: Recorder
  /** Absolute; files outside of it are recorded by path, hash and size only. */
  readonly workspace: string
  /** Our own folders, never recorded. */
  readonly ownFolders: readonly string[]
  readonly contentBytesMax: number
  readonly fileSystem?: FileSystem
}

export interface BegunOperation {
  /** What the call is meant to do; the disk tells what it did. */
  readonly kind: 'write' | 'delete' | 'rename'
  /** As the host gave it. Descriptors and file handles are not followed. */
  readonly path: unknown
  readonly previousPath?: unknown
}

export interface PendingOperation {
  succeed(): void
  fail(): void
}

export type FileOperations = ReturnType<typeof createFileOperations>

export function createFileOperations(options: FileOperationsOptions) {
  const { recorder, contentBytesMax, fileSystem = originalFs } = options
  const readFile = createFileReader(contentBytesMax, fileSystem)
  const workspace = realPath(path.resolve(options.workspace))
  const ownFolders = options.ownFolders.map(realPath)

  /** Looks at the disk before the host's call. `undefined`: not an operation we record. */
  function begin(meant: BegunOperation): PendingOperation | undefined {
    const active = contexts.active()
    const candidate = candidateOf(active) as Candidate | undefined
    if (candidate?.span === undefined) return undefined
    const { span: turn, createdFiles, openTools } = candidate
    const operation = isSave(meant, createdFiles)
      ? ({ kind: 'write', path: meant.path } as const)
      : meant
    const given = pathOf(operation.path)
    if (given === undefined) return undefined
    const isLinkMeant = operation.kind !== 'write'
    const absolute = isLinkMeant ? realParent(given) : realPath(given)
    const relative = path.relative(workspace, absolute)
    const isOutside = relative === '' || relative.startsWith('..') || path.isAbsolute(relative)
    if (isIgnored(absolute, isOutside ? '' : relative)) return undefined
    const previous = operation.kind === 'rename' ? pathOf(operation.previousPath) : undefined
    const source = previous === undefined ? absolute : realParent(previous)
    // A file renamed to its own name stays as it is.
    if (previous !== undefined && source === absolute) return undefined

    const before = readFile(source, { isLink: isLinkMeant })
    if (before.state === 'omitted' && before.isDirectory === true) return undefined
    if (before.state === 'absent' && operation.kind !== 'write') return undefined
    const parent = attribute(openTools.values(), {
      names: [posix(relative), `./${posix(relative)}`, absolute, given],
      absolute,
      activeSpanId: trace.getSpan(active)?.spanContext().spanId,
    })

    const span = recorder.tracer.startSpan(
      `file.${operation.kind}`,
      {
        kind: SpanKind.INTERNAL,
        attributes: {
          'file.path': isOutside ? absolute : posix(relative),
          'turnlog.file_operation.id': randomUUID(),
          'turnlog.file_operation.source': 'fs',
          ...(isOutside ? { 'turnlog.file_operation.outside_workspace': true } : {}),
          ...(parent.isShared ? { 'turnlog.file_operation.shared': true } : {}),
          ...(previous === undefined
            ? {}
            : { 'turnlog.file_operation.previous_path': displayed(source) }),
        } satisfies { [Name in AttributeName]?: string | boolean },
      },
      trace.setSpan(ROOT_CONTEXT, parent.call?.span ?? turn),
    )
    parent.call?.changed.add(absolute)
    recorder.note(span, {
      operation: operation.kind,
      absolutePath: absolute,
      workspace,
      ...(previous === undefined ? {} : { previousAbsolutePath: source }),
      ...(parent.call === undefined
        ? {}
        : { toolName: parent.call.name, toolCallId: parent.call.id }),
    })
    note('before', before)
    if (operation.kind === 'rename') {
      const overwritten = readFile(absolute, { isLink: true })
      if (overwritten.state !== 'absent') note('overwritten', overwritten)
    }

    function note(side: 'before' | 'after' | 'overwritten', content: FileContent): void {
      if (content.state === 'content') {
        recorder.content(span, `file.${side}` satisfies ContentSlot, content.bytes)
        recorder.note(span, { [side]: { state: 'content', mode: content.mode } })
      } else recorder.note(span, { [side]: content })
    }

    function fail(): void {
      recorder.discard(span.spanContext().spanId)
    }

    function succeed(): void {
      if (operation.kind === 'write') {
        const after = readFile(absolute)
        // What was written is no file: a device or a pipe has no content to show.
        if (after.state === 'omitted' && after.reason === 'not_a_file') {
          fail()
          return
        }
        note('after', after)
        if (before.state === 'absent') createdFiles.add(absolute)
      }
      if (isLinkMeant && createdFiles.delete(source) && operation.kind === 'rename') {
        createdFiles.add(absolute)
      }
      span.end()
    }

    return { succeed, fail }
  }

  /**
   * How editors save, and careful tools: what the turn has just written to a file of its own is renamed over an existing
   * one. That is a write of the target, with its before and after, not a move of the temporary file.
   */
  function isSave(operation: BegunOperation, createdFiles: ReadonlySet<string>): boolean {
    if (operation.kind !== 'rename' || createdFiles.size === 0) return false
    const [from, to] = [pathOf(operation.previousPath), pathOf(operation.path)]
    if (from === undefined || to === undefined || !createdFiles.has(realParent(from))) return false
    const [source, target] = [realParent(from), realParent(to)]
    return source !== target && readFile(target, { isLink: true }).state === 'content'
  }

  function displayed(absolute: string): string {
    const relative = path.relative(workspace, absolute)
    return relative.startsWith('..') || path.isAbsolute(relative) ? absolute : posix(relative)
  }

  function isIgnored(absolute: string, relative: string): boolean {
    if (relative.split(path.sep).some((folder) => ignoredFolders.has(folder))) return true
    return ownFolders.some((own) => absolute === own || absolute.startsWith(own + path.sep))
  }

  /** The path with every link resolved, also where its last parts do not exist yet. */
  function realPath(absolute: string): string {
    try {
      return fileSystem.realpathSync.native(absolute)
    } catch {
      const parent = path.dirname(absolute)
      return parent === absolute ? absolute : path.join(realPath(parent), path.basename(absolute))
    }
  }

  /** The path with the links of its folders resolved: a link at its end is meant itself. */
  function realParent(absolute: string): string {
    const parent = path.dirname(absolute)
    return parent === absolute ? absolute : path.join(realPath(parent), path.basename(absolute))
  }

  return {
    begin,
    /** As it is written on every operation: with all links resolved. */
    workspace,
  }
}

/** Node's path arguments: a string, bytes, or a file URL. A name that is not UTF-8 is not followed. */
function pathOf(value: unknown): string | undefined {
  if (typeof value === 'string') return path.resolve(value)
  if (value instanceof URL) return fileURLToPath(value)
  if (!(value instanceof Uint8Array) || !isUtf8(value)) return undefined
  return path.resolve(Buffer.from(value).toString())
}

function posix(relative: string): string {
  return path.sep === '/' ? relative : relative.split(path.sep).join('/')
}
