/**
 * The owner that a worker thread or a child process takes from the thread that started it, or sent it a message: file
 * operations that it makes in no turn of its own belong to that tool call or turn. Plain facts, since a span cannot be
 * handed to another thread. An owner of another process holds while its tool call or turn is open there.
 */
import { type Context, createContextKey, type Span, TraceFlags, trace } from '@opentelemetry/api'
import { isObject, parseObject } from '@turnlog/conventions/plain'
import { callOfFile } from './call-of-file.ts'
import { isOwnerOpen } from './child-report.ts'
import { apiCallOf, turnOf } from './contexts.ts'
import { type ApiToolCall, ToolCall, type ToolCallDescription } from './tool-call.ts'

/** Names and ids of tool calls come from a model; longer ones are cut, so that they fit into an environment variable. */
const textLengthMax = 128
/** Owners whose created files are remembered. */
const ownersMax = 100

export interface InheritedOwner {
  readonly traceId: string
  /** The span id of the tool call, else of the turn. */
  readonly spanId: string
  readonly call?: Pick<ToolCallDescription, 'name' | 'id'> | undefined
  /** Several tool calls of the turn were open, and nothing showed which of them it was. */
  readonly isShared?: boolean | undefined
  /** If it came from another process: the folder of its turn's reports (`child-report.ts`). */
  readonly reports?: string | undefined
}

/** What a file operation needs of its owner; owners of this thread have the same members. */
export type FileOwner = Pick<ApiToolCall, 'span' | 'openTools' | 'createdFiles'> &
  Partial<Pick<ApiToolCall, 'call'>> & { readonly isShared?: boolean | undefined }

const ownerKey = createContextKey('turnlog inherited owner')
const fileOwners = new Map<string, FileOwner>()
let ofThread: InheritedOwner | undefined

/** The owner of what runs in no context that has one, from now on. */
export function setInheritedOwner(owner: InheritedOwner | undefined): void {
  ofThread = owner
}

/** `base`, with the owner that came with a message. */
export function contextWithInheritedOwner(
  base: Context,
  owner: InheritedOwner | undefined,
): Context {
  return base.setValue(ownerKey, owner)
}

/** The owner that the context, else the thread, has from elsewhere. `undefined` when that owner has ended. */
export function inheritedOwner(active: Context): InheritedOwner | undefined {
  const owner = (active.getValue(ownerKey) as InheritedOwner | undefined) ?? ofThread
  const isOver = owner?.reports !== undefined && !isOwnerOpen(owner.reports, owner.spanId)
  return isOver ? undefined : owner
}

/** The inherited owner, as the owner of a file operation in this thread. */
export function inheritedFileOwner(active: Context): FileOwner | undefined {
  const owner = inheritedOwner(active)
  if (owner === undefined) return undefined
  const key = `${owner.spanId} ${owner.isShared === true}`
  const known = fileOwners.get(key)
  if (known !== undefined) return known
  const made = fileOwnerOf(owner)
  const oldest = fileOwners.size >= ownersMax ? fileOwners.keys().next().value : undefined
  if (oldest !== undefined) fileOwners.delete(oldest)
  fileOwners.set(key, made)
  return made
}

function fileOwnerOf({ traceId, spanId, call, isShared }: InheritedOwner): FileOwner {
  const traceFlags = TraceFlags.SAMPLED
  const span = trace.wrapSpanContext({ traceId, spanId, traceFlags, isRemote: true })
  return {
    span,
    openTools: new Map(),
    createdFiles: new Set(),
    isShared,
    ...(call === undefined ? {} : { call: new ToolCall(call, span) }),
  }
}

/**
 * The owner that a thread or process started in this context takes over: the tool call that the context is in, else the
 * only open one of the turn, else the turn, shared if several are open; outside a turn, the owner inherited here.
 */
export function ownerToHandOver(active: Context): InheritedOwner | undefined {
  const reported = apiCallOf(active)
  if (reported !== undefined) return factsOf(reported.span, reported.call)
  const candidate = turnOf(active)
  if (candidate?.span === undefined) return inheritedOwner(active)
  const found = callOfFile(candidate.openTools.values(), { names: [], absolute: '', active })
  return factsOf(found.call?.span ?? candidate.span, found.call, found.isShared)
}

/** The owner that a thread takes over which works for this call. */
export function ownerForCall(call: ToolCall): InheritedOwner {
  return factsOf(call.span, call)
}

function factsOf(span: Span, call: ToolCall | undefined, isShared = false): InheritedOwner {
  const { traceId, spanId } = span.spanContext()
  return {
    traceId,
    spanId,
    ...(call === undefined ? {} : { call: cut(call) }),
    ...(isShared ? { isShared } : {}),
  }
}

function cut({ name, id }: Pick<ToolCall, 'name' | 'id'>): InheritedOwner['call'] {
  const shortId = id?.slice(0, textLengthMax)
  return { name: name.slice(0, textLengthMax), ...(shortId === undefined ? {} : { id: shortId }) }
}

/** Reads the facts back; `undefined` for anything else. */
export function parseInheritedOwner(text: string): InheritedOwner | undefined {
  const { traceId, spanId, call, isShared, reports } = parseObject(text) ?? {}
  if (typeof traceId !== 'string' || !/^[0-9a-f]{32}$/.test(traceId)) return undefined
  if (typeof spanId !== 'string' || !/^[0-9a-f]{16}$/.test(spanId)) return undefined
  const { name, id } = isObject(call) ? call : {}
  return {
    traceId,
    spanId,
    ...(typeof name === 'string'
      ? { call: { name, ...(typeof id === 'string' ? { id } : {}) } }
      : {}),
    ...(isShared === true ? { isShared } : {}),
    ...(typeof reports === 'string' ? { reports } : {}),
  }
}
