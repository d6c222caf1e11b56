/** Runs ways in an app under the preload, with any Node, and compares its records with what they must be. */
import { mkdirSync } from 'node:fs'
import * as path from 'node:path'
import { ChangeStore } from '../../src/changes/store.ts'
import { textOf } from '../support/chat.ts'
import { lastText, startMessagesApi } from '../support/messages-api.ts'
import { startProgram } from '../support/observed-program.ts'
import { type RecordedSpan, readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'
import { differencesOf, faultOnDisk, type RecordedOperation } from './compare.ts'
import type { Way } from './way.ts'

export type WayResult =
  | { readonly status: 'whole' }
  /** This Node does not have what the way needs. */
  | { readonly status: 'missing' }
  | { readonly status: 'not_whole'; readonly differences: readonly string[] }

export interface RunOptions {
  /** The Node program; default: the one that runs the test. */
  readonly node?: string
  readonly nodeOptions?: readonly string[]
  /** The preload; default: the unbuilt one. */
  readonly preload?: string
}

/** `others`: operations that belong to no way. */
export interface Results {
  readonly byId: ReadonlyMap<string, WayResult>
  readonly others: readonly string[]
}

export async function runWays(ways: readonly Way[], options: RunOptions = {}): Promise<Results> {
  using workspace = makeWorkspace()
  const folders = { workspace: workspace.folder, outside: path.join(workspace.root, 'outside') }
  mkdirSync(folders.outside)
  await using api = await startMessagesApi((request) => {
    const id = lastText(request)
    return id === ''
      ? { text: 'Done.' }
      : { tools: [{ id: `toolu_${id}`, name: 'work', input: {} }] }
  })
  await using program = startProgram('../ways/host.ts', {
    ...options,
    cwd: workspace.folder,
    spool: workspace.spool,
    env: { API: api.url, OUTSIDE: folders.outside },
    args: ways.map(({ id }) => id),
  })
  const { stdout, stderr, code } = await program.ended()
  const outcomes = new Map(
    stdout
      .split('\n')
      .filter((line) => line.startsWith('way '))
      .map((line): [string, string] => JSON.parse(line.slice('way '.length))),
  )
  const operations = readOperations(workspace.spool)
  const byId = new Map(ways.map(({ id }) => [id, { status: 'whole' } as WayResult]))
  for (const way of ways) {
    const outcome = outcomes.get(way.id) ?? `failed: the app ended with ${code}: ${stderr}`
    if (outcome.startsWith('missing')) byId.set(way.id, { status: 'missing' })
    else {
      const fault = outcome === 'ok' ? faultOnDisk(way, folders) : outcome
      const recorded = operations.get(way.id) ?? []
      const differences = fault === undefined ? differencesOf(way, recorded, folders) : [fault]
      if (differences.length > 0) byId.set(way.id, { status: 'not_whole', differences })
    }
  }
  const known = new Set([...ways.map(({ id }) => id), 'warm_up'])
  const others = [...operations].flatMap(([id, recorded]) =>
    known.has(id) ? [] : recorded.map(({ change }) => `${change.opType} ${change.path}`),
  )
  return { byId, others }
}

/** Operations in the order of their starts, by the message of their turn, which is the way's id. */
function readOperations(spool: string): Map<string, RecordedOperation[]> {
  const store = new ChangeStore({ directory: path.join(spool, 'changes') })
  const { spans } = readRecorded(spool, store)
  const ids = new Map(
    spans.map((span) => [span.traceId, idOf(span)] as const).filter(([, id]) => id),
  )
  const byOperation = new Map(
    spans.map((span) => [span.attributes['turnlog.file_operation.id'], span]),
  )
  const bySpan = new Map(spans.map((span) => [span.spanId, span]))
  const found = new Map<string, RecordedOperation[]>()
  const order = new Map(spans.map((span, index) => [span.spanId, index]))
  const changes = store
    .recent({ limit: 10_000 })
    .map(({ change }) => change)
    .toSorted(
      (a, b) =>
        compare(a.startedAt, b.startedAt) ||
        (order.get(a.spanId) ?? 0) - (order.get(b.spanId) ?? 0),
    )
  for (const change of changes) {
    const id = ids.get(change.traceId) ?? ''
    const span = byOperation.get(change.opId)
    const content = (state: string | undefined) => store.content(state ?? '')
    const operation = {
      change,
      contents: {
        before: content(change.before),
        after: content(change.after),
        overwritten: content(change.overwritten),
      },
      span,
      parent: bySpan.get(span?.parentSpanId ?? ''),
    }
    found.set(id, [...(found.get(id) ?? []), operation])
  }
  return found
}

function idOf(span: RecordedSpan): string | undefined {
  const isTurn = span.attributes['gen_ai.operation.name'] === 'invoke_agent'
  return isTurn ? textOf(span, 'gen_ai.input.messages') : undefined
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
