/**
 * The tool calls that frameworks run without a span of their own, so that what a tool does belongs to its call, also when
 * several run at once and no argument names the file:
 *
 *   - AI SDK 7 runs its tools through the `executeTool` of each telemetry integration in a global list; ours is one of them.
 *     Version 6 does not; its spans, where an app has switched them on, name the call.
 *   - LangChain gives the `invoke` of its tools the whole call. Their class is looked for in the program's own package once
 *     LangChain is loaded; a copy that only another package can import is not found.
 */
import { createRequire } from 'node:module'
import { type Context, trace } from '@opentelemetry/api'
import { asObject, asString, isObject } from '@turnlog/conventions/plain'
import { followWork } from '../follow-work.ts'
import { quietly } from '../health.ts'
import { isReadable } from '../journal/describe-span.ts'
import { contexts, requestOf, runIn } from '../record/contexts.ts'
import { addCallFinder, contextWithCallId, type RunningTool } from '../record/running-call.ts'
import { spanOfHost } from './host-telemetry.ts'
import { toldOf } from './own-spans.ts'
import { filesOfPackage } from './program-packages.ts'
import { all, replaceMethod } from './replace-method.ts'

/** Ours. */
const integrations = new WeakSet<object>()
const integrationsKey = 'AI_SDK_TELEMETRY_INTEGRATIONS'
const storageKey = Symbol.for('ls:tracing_async_local_storage')
const configKey = Symbol.for('lc:child_config')

type OnFailure = (id: string, error: unknown) => void
type RunTool = (id: string, run: () => unknown) => unknown

interface FrameworkCalls {
  /** A model is called in the current context. */
  modelCalled(): void
  undo(): void
}

/** `onFailure`: the tool call with this id has thrown `error`. */
export function observeFrameworkCalls(onFailure: OnFailure): FrameworkCalls {
  const runTool = (id: string, run: () => unknown): unknown =>
    followWork(
      {
        face: undefined,
        run: (step) => runIn(contextWithCallId(contexts.active(), id), step),
        succeed: () => undefined,
        fail: (error) => quietly('note the failure of a tool', () => onFailure(id, error)),
      },
      run,
    )
  const langChain = new LangChainTools(runTool)
  const undo = all([
    offerIntegration(runTool),
    addCallFinder(toolOfSpan),
    addCallFinder(approvedCall),
    () => langChain.stop(),
  ])
  return { modelCalled: () => langChain.search(), undo }
}

/** An app may make the list itself, before or after: it is only added to. */
function offerIntegration(runTool: RunTool): () => void {
  const known: unknown = Reflect.get(globalThis, integrationsKey)
  const list: unknown[] = Array.isArray(known) ? known : []
  if (known === undefined) {
    Object.defineProperty(globalThis, integrationsKey, {
      value: list,
      configurable: true,
      enumerable: false,
      writable: true,
    })
  }
  const integration = {
    executeTool({ toolCallId, execute }: { toolCallId: unknown; execute: () => unknown }) {
      return typeof toolCallId === 'string' ? runTool(toolCallId, execute) : execute()
    },
  }
  integrations.add(integration)
  list.push(integration)
  return () => {
    const index = list.indexOf(integration)
    if (index !== -1) list.splice(index, 1)
  }
}

/** Whether the AI SDK of version 7 would run its tools through ours. */
export function isIntegrationOffered(): boolean {
  const list: unknown = Reflect.get(globalThis, integrationsKey)
  return Array.isArray(list) && list.some((each) => isObject(each) && integrations.has(each))
}

/** The call that the request approves, if it approves one. */
function approvedCall(active: Context): RunningTool[] {
  const id = requestOf(active)?.approvedCallId
  return id === undefined ? [] : [{ id }]
}

/** The tool call that the active span of a library tells of; also if the app has an SDK of its own, with its own context. */
function toolOfSpan(active: Context): RunningTool[] {
  return [trace.getSpan(active), spanOfHost()].flatMap((span) => {
    const told = span !== undefined && isReadable(span) ? toldOf(span) : undefined
    if (told?.role !== 'tool_call') return []
    return [{ id: asString(told.call?.id), name: asString(told.call?.name) }]
  })
}

/** Runs the tools of LangChain in the context of the call that they are run for. */
class LangChainTools {
  readonly #runTool: RunTool
  #undo: (() => void) | undefined
  #isSearched: boolean = false

  constructor(runTool: RunTool) {
    this.#runTool = runTool
  }

  /**
   * Looks for the class once, when a model is called inside LangChain: then its modules are loaded, and load nothing
   * more.
   */
  search(): void {
    if (this.#isSearched || !isInLangChain()) return
    this.#isSearched = true
    const files = filesOfPackage('@langchain/core', './tools')
    const { cache } = createRequire(import.meta.url)
    const required = files?.required === undefined ? undefined : cache[files.required]
    if (required !== undefined) this.#watch(required.exports)
    else if (files?.imported !== undefined) {
      void import(files.imported).then(
        (exported: unknown) => quietly('watch tools of LangChain', () => this.#watch(exported)),
        () => undefined,
      )
    }
  }

  stop(): void {
    this.#undo?.()
  }

  #watch(exported: unknown): void {
    const made = asObject(exported)?.StructuredTool
    const prototype: unknown = typeof made === 'function' ? made.prototype : undefined
    if (!isObject(prototype)) return
    const runTool = this.#runTool
    this.#undo = replaceMethod(prototype, 'invoke', (original) => {
      return function invoke(...values) {
        const id = quietly('see a tool run', () => idOfToolCall(values[0]))
        if (id === undefined) return original.apply(this, values)
        return runTool(id, () => original.apply(this, values))
      }
    })
  }
}

/** LangChain gives a tool either its arguments or the whole call. */
function idOfToolCall(input: unknown): string | undefined {
  return isObject(input) && input.type === 'tool_call' ? asString(input.id) : undefined
}

/** LangChain keeps the configuration of what runs in an async storage of its own. */
function isInLangChain(): boolean {
  const storage: unknown = Reflect.get(globalThis, storageKey)
  if (!isObject(storage) || typeof storage.getStore !== 'function') return false
  const extra = asObject(asObject(storage.getStore())?.extra)
  return extra !== undefined && configKey in extra
}
