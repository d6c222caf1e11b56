/**
 * Child processes that are started in a tool call or turn get its ids in their environment: `TRACEPARENT` (W3C Trace
 * Context), for any program, and `TURNLOG_OWNER`, for a Node that carries this preload: it records its file operations for
 * that owner, while it is open. A `TRACEPARENT` that the host sets for the child stays. Outside a turn nothing is added.
 *
 * All asynchronous forms (`spawn`, `exec`, `execFile`, `fork`) end in `ChildProcess#spawn`; the synchronous ones in code of
 * Node that cannot be reached, so these get options with an environment.
 */
import { ChildProcess } from 'node:child_process'
import * as path from 'node:path'
import { isMainThread } from 'node:worker_threads'
import type { Context } from '@opentelemetry/api'
import { isObject, parseObject } from '@turnlog/conventions/plain'
import { attempt, originalFs } from '../file-system.ts'
import { quietly } from '../health.ts'
import type { ChildReports } from '../record/child-report.ts'
import { contexts } from '../record/contexts.ts'
import {
  type InheritedOwner,
  ownerToHandOver,
  parseInheritedOwner,
} from '../record/inherited-owner.ts'
import { type AgentEndpoint, agentVariables } from './agent-children.ts'
import { all, type Method, replaceInBuiltin, replaceMethod } from './replace-method.ts'

const ownerVariable = 'TURNLOG_OWNER'
const parentVariable = 'TRACEPARENT'
const synchronous = ['spawnSync', 'execFileSync', 'execSync'] as const

type Variables = Readonly<Record<string, string>>

export interface ChildEnvironmentOptions extends OwnPlace {
  readonly reports: Pick<ChildReports, 'open'>
  /** Called when a child that got an owner has ended. */
  readonly onEnded: () => void
  /** Where agents that are started send what they trace; `undefined`: they are not asked to. */
  readonly agents?: AgentEndpoint | undefined
}

/** The variables that a child started in this context gets; `undefined` outside tool calls and turns. */
function childEnvironment(
  active: Context,
  { reports, destination, workspace }: Omit<ChildEnvironmentOptions, 'onEnded' | 'agents'>,
): Variables | undefined {
  const owner = ownerToHandOver(active)
  if (owner === undefined) return undefined
  const { traceId, spanId } = owner
  const folder = owner.reports ?? reports.open(traceId, spanId)
  return {
    [parentVariable]: `00-${traceId}-${spanId}-01`,
    // Without a folder a child could not know when its owner has ended.
    ...(folder !== undefined && {
      [ownerVariable]: JSON.stringify({ ...owner, reports: folder, destination, workspace }),
    }),
  }
}

/** What the environment of a child that is started in this context contains, and that of every process that it starts. */
export function ownerMark(active: Context): string | undefined {
  const owner = ownerToHandOver(active)
  return owner && `"spanId":"${owner.spanId}"`
}

interface OwnPlace {
  /** The folder that this process's recorders are in. */
  readonly destination: string
  readonly workspace: string
}

/**
 * The owner that the process that started this one has handed over; its private variable is removed. `undefined` also for
 * a process that sends its records elsewhere: its files are then compared by its parent. A process that was started in a
 * folder of its owner's workspace records in that workspace.
 */
export function takeInheritedOwner(
  environment: NodeJS.ProcessEnv,
  { destination, workspace }: OwnPlace,
): { readonly owner: InheritedOwner; readonly workspace: string } | undefined {
  const text = environment[ownerVariable]
  if (text === undefined || !isMainThread) return undefined
  delete environment[ownerVariable]
  const owner = parseInheritedOwner(text)
  const given = parseObject(text)
  if (owner?.reports === undefined || given?.destination !== destination) return undefined
  const ofOwner = given.workspace
  if (typeof ofOwner !== 'string') return undefined
  const real = attempt(() => originalFs.realpathSync(workspace)) ?? workspace
  const isInside = `${real}${path.sep}`.startsWith(`${ofOwner}${path.sep}`)
  return { owner, workspace: isInside ? ofOwner : workspace }
}

/** Begins to add to the environments; the returned function undoes it. */
export function observeChildEnvironments(options: ChildEnvironmentOptions): () => void {
  const variables = (): Variables | undefined =>
    quietly('hand an owner to a child', () => childEnvironment(contexts.active(), options))
  const owned = new WeakSet<object>()
  const ended = (): void => void quietly('end a child', options.onEnded)
  const adding = (original: Method): Method =>
    function (given, ...values) {
      const { agents } = options
      const ofAgent = agents && quietly('have an agent trace', () => agentVariables(given, agents))
      const added = variables()
      if (added !== undefined && typeof this === 'object' && this !== null) owned.add(this)
      return original.apply(this, [withDefaults(withPairs(given, added), ofAgent), ...values])
    }
  const ends = (original: Method): Method =>
    function (...values) {
      if (values[0] === 'exit' && owned.has(Object(this))) ended()
      return original.apply(this, values)
    }
  const addingSync =
    (optionsAt: (values: readonly unknown[]) => number) =>
    (original: Method): Method =>
      function (...values) {
        const added = variables()
        if (added === undefined) return original.apply(this, values)
        try {
          return original.apply(this, withOptions(values, optionsAt(values), added))
        } finally {
          ended()
        }
      }
  return all([
    replaceMethod(ChildProcess.prototype, 'spawn', adding),
    replaceMethod(ChildProcess.prototype, 'emit', ends),
    replaceInBuiltin('child_process', (exported) =>
      synchronous.map((name) =>
        replaceMethod(exported, name, addingSync(name === 'execSync' ? () => 1 : placeOfOptions)),
      ),
    ),
  ])
}

/** An environment, as `name=value`, with what a child that is started in the current context gets. */
export function withOwnerPairs(
  pairs: readonly unknown[],
  options: Omit<ChildEnvironmentOptions, 'onEnded' | 'agents'>,
): readonly unknown[] {
  const added = quietly('hand an owner to a child', () =>
    childEnvironment(contexts.active(), options),
  )
  return added === undefined ? pairs : pairsWith(pairs, added)
}

/** `given` is what Node passes on: the environment as `name=value`. */
function withPairs(given: unknown, variables: Variables | undefined): unknown {
  if (variables === undefined || !isObject(given) || !Array.isArray(given.envPairs)) return given
  return { ...given, envPairs: pairsWith(given.envPairs, variables) }
}

/** The variables that the host has not set. */
function withDefaults(given: unknown, variables: Variables | undefined): unknown {
  if (variables === undefined || !isObject(given) || !Array.isArray(given.envPairs)) return given
  const pairs = given.envPairs.map(String)
  const added = Object.entries(variables).flatMap(([name, value]) =>
    pairs.some((pair) => pair.startsWith(`${name}=`)) ? [] : [`${name}=${value}`],
  )
  return { ...given, envPairs: [...pairs, ...added] }
}

function pairsWith(pairs: readonly unknown[], variables: Variables): readonly unknown[] {
  const isHosts = pairs.some((pair) => isHostsParent(valueIn(String(pair))))
  const added = Object.entries(variables).filter(([name]) => !isHosts || name !== parentVariable)
  const names = added.map(([name]) => `${name}=`)
  const others = pairs.filter((pair) => !names.some((name) => String(pair).startsWith(name)))
  return [...others, ...added.map(([name, value]) => `${name}=${value}`)]
}

function valueIn(pair: string): string | undefined {
  const name = `${parentVariable}=`
  return pair.startsWith(name) ? pair.slice(name.length) : undefined
}

/** Whether the host has set it for this child, and has not only passed on its own environment. */
function isHostsParent(value: unknown): boolean {
  return value !== undefined && value !== process.env[parentVariable]
}

/** `(file, options)` or `(file, arguments, options)`. */
function placeOfOptions(values: readonly unknown[]): number {
  return isObject(values[1]) ? 1 : 2
}

/** Values that Node refuses stay as they are. */
function withOptions(values: readonly unknown[], at: number, variables: Variables): unknown[] {
  const given = values[at]
  if (!(given === undefined || isObject(given))) return [...values]
  const source: unknown = given?.env ?? process.env
  if (!isObject(source)) return [...values]
  const env: Record<string, unknown> = {}
  // Node reads inherited names of an environment, too.
  for (const name in source) env[name] = source[name]
  const isHosts = isHostsParent(env[parentVariable])
  const { [parentVariable]: parent, ...rest } = variables
  Object.assign(env, rest, isHosts ? {} : { [parentVariable]: parent })
  const before = [...values.slice(0, at)]
  while (before.length < at) before.push(undefined)
  return [...before, { ...given, env }, ...values.slice(at + 1)]
}
