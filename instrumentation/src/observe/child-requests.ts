/**
 * Requests to a child process over its standard input and output, as MCP servers get them: JSON-RPC, a message a line. What
 * the server does between a request and its answer belongs to the tool call that asked. Other lines are reported as such: an
 * app may keep a shell and write its commands there. Sees the bytes as they pass, and changes nothing; a message above `requestLengthMax` is not recognised.
 */
import type { ChildProcess } from 'node:child_process'
import { isObject, parseJson } from '@turnlog/conventions/plain'
import { observePipes } from './child-pipes.ts'

export const requestLengthMax = 256 * 1024
/** Requests of one child that wait for their answers. */
const pendingMax = 100
/** An id may be cut by the end of a chunk. */
const carriedLength = 64
const argumentsDepthMax = 4

interface RequestObserver {
  /** The host asks the child, with these texts; returns what ends it. `undefined`: not observed. */
  readonly begin: (texts: readonly string[]) => (() => void) | undefined
  /** The host writes lines that are no requests, as to a shell that it keeps. */
  readonly wrote: (lines: readonly string[]) => void
}

export function observeRequests(process: ChildProcess, { begin, wrote }: RequestObserver): void {
  if (process.stdin === null || process.stdout === null) return
  /** By how an answer writes the id. */
  const pending = new Map<string, () => void>()
  let carried = ''

  const asked = (chunk: string | Uint8Array): void => {
    if (chunk.length > requestLengthMax) return
    const lines = textOf(chunk).split('\n')
    const requests = lines.flatMap(requestsIn)
    if (requests.length === 0 && !lines.some(isMessage)) wrote(lines)
    for (const { id, params } of requests) {
      if (pending.size >= pendingMax) return
      const end = begin(textsIn(params))
      if (end !== undefined) pending.set(`"id":${JSON.stringify(id)}`, end)
    }
  }
  const answered = (chunk: string | Uint8Array): void => {
    if (pending.size === 0) return
    const text = carried + textOf(chunk)
    carried = text.slice(-carriedLength)
    for (const [written, end] of pending) {
      if (!isAnswered(text, written)) continue
      pending.delete(written)
      carried = ''
      end()
    }
  }
  observePipes(process, { written: asked, read: answered })
}

/** `"id":1` is not in `"id":12`. */
function isAnswered(text: string, written: string): boolean {
  for (let at = text.indexOf(written); at >= 0; at = text.indexOf(written, at + 1)) {
    if (!/\d/.test(text[at + written.length] ?? '')) return true
  }
  return false
}

interface ChildRequest {
  readonly id: string | number
  readonly params: unknown
}

function isMessage(line: string): boolean {
  return line.startsWith('{') && line.includes('"jsonrpc"')
}

function requestsIn(line: string): ChildRequest[] {
  if (!line.startsWith('{') || !line.includes('"method"')) return []
  const message = parseJson(line)
  if (!isObject(message) || typeof message.method !== 'string') return []
  const { id, params } = message
  return typeof id === 'string' || typeof id === 'number' ? [{ id, params }] : []
}

/** The texts in the arguments of a request, as the model's arguments may have them. */
function textsIn(value: unknown, depth = 0): string[] {
  if (typeof value === 'string') return value === '' ? [] : [value]
  if (typeof value !== 'object' || value === null || depth > argumentsDepthMax) return []
  return Object.values(value).flatMap((member) => textsIn(member, depth + 1))
}

function textOf(chunk: Uint8Array | string): string {
  return typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
}
