/** The span of one file operation: whose it is, and what stood there before and after. */
import { randomUUID } from 'node:crypto'
import { type Context, ROOT_CONTEXT, type Span, SpanKind, trace } from '@opentelemetry/api'
import type { AttributeName } from '@turnlog/conventions'
import { candidateOf, toldCallOf } from '../record/candidate-context.ts'
import type { ContentSlot, Recorder } from '../record/recorder.ts'
import { attribute, type ToolCall } from '../record/tool-call.ts'
import type { Candidate } from '../record/turn.ts'
import type { ToldCall } from './api-tool-calls.ts'
import type { FilePlace, FilePlaces } from './file-locations.ts'

/** What file operations are part of: the innermost tool call the app has told of, else the turn. */
export interface FileScope {
  readonly span: Span
  readonly call: ToolCall | undefined
  readonly openTools: ReadonlyMap<string, ToolCall>
  /** Files that were created in it and still are where they were, by absolute path. */
  readonly createdFiles: Set<string>
}

/** `undefined` outside of any turn and any told call. */
export function fileScopeOf(active: Context): FileScope | undefined {
  const told = toldCallOf(active) as ToldCall | undefined
  if (told !== undefined) return told
  const candidate = candidateOf(active) as Candidate | undefined
  if (candidate?.span === undefined) return undefined
  const { span, openTools, createdFiles } = candidate
  return { span, call: undefined, openTools, createdFiles }
}

export interface FileSpanFacts {
  readonly kind: 'write' | 'delete' | 'rename'
  readonly source: 'fs' | 'api'
  readonly place: FilePlace
  /** On a rename: where the file was. */
  readonly previous: FilePlace | undefined
  readonly scope: FileScope | undefined
  readonly active: Context
  readonly id?: string
}

/** One side, as it was found; `bytes` are copied at once. */
export type FileSideFound =
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

export interface FileSpan {
  readonly span: Span
  note(side: 'before' | 'after' | 'overwritten', found: FileSideFound): void
}

/** Starts it, under the tool call that does it where that can be told. */
export function startFileSpan(
  recorder: Recorder,
  { workspace }: FilePlaces,
  { kind, source, place, previous, scope, active, id = randomUUID() }: FileSpanFacts,
): FileSpan {
  const found = attribute(scope?.openTools.values() ?? [], {
    names: place.names,
    absolute: place.absolute,
    activeSpanId: trace.getSpan(active)?.spanContext().spanId,
  })
  const call = found.call ?? scope?.call
  const parent = found.call?.span ?? scope?.span
  const span = recorder.tracer.startSpan(
    `file.${kind}`,
    {
      kind: SpanKind.INTERNAL,
      attributes: {
        'file.path': place.displayed,
        'turnlog.file_operation.id': id,
        'turnlog.file_operation.source': source,
        ...(place.isOutside ? { 'turnlog.file_operation.outside_workspace': true } : {}),
        ...(found.isShared ? { 'turnlog.file_operation.shared': true } : {}),
        ...(previous === undefined
          ? {}
          : { 'turnlog.file_operation.previous_path': previous.displayed }),
      } satisfies { [Name in AttributeName]?: string | boolean },
    },
    parent === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, parent),
  )
  call?.changed.add(place.absolute)
  recorder.note(span, {
    operation: kind,
    absolutePath: place.absolute,
    workspace,
    ...(previous === undefined ? {} : { previousAbsolutePath: previous.absolute }),
    ...(call === undefined ? {} : { toolName: call.name, toolCallId: call.id }),
  })
  return {
    span,
    note(side, found) {
      if (found.state === 'content') {
        recorder.content(span, `file.${side}` satisfies ContentSlot, found.bytes)
        recorder.note(span, { [side]: { state: 'content', mode: found.mode } })
      } else recorder.note(span, { [side]: found })
    },
  }
}
