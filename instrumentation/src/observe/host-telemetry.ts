/**
 * The host's own use of OpenTelemetry's API. Nothing of ours is ever registered with it: each copy of the API that the
 * host has loaded is *offered* our tracers and our context, and takes them only as long as the host has registered
 * nothing itself. So spans of the host's code and of SDKs that trace themselves become part of our turns; and a host
 * that starts an SDK of its own, before or after, finds the API empty, gets all of those spans, and none of ours.
 *
 * Of the API two members are used that are not public: `context._getContextManager`, the only place where a context
 * manager can be put without registering it, and the symbol its globals lie under. A copy that lacks them, or that is
 * not found, is left alone: its spans are not seen, and model calls are then spans of our own.
 */
import * as ownCopy from '@opentelemetry/api'
import {
  type Context,
  type ContextManager,
  ProxyTracerProvider,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api'
import { contexts } from '../record/contexts.ts'
import { watchLoadedModules } from './loaded-modules.ts'
import { replaceMethod } from './replace-method.ts'

/** All 1.x versions of the API share it. */
const globalsKey = Symbol.for('opentelemetry.js.api.1')
const noTelemetry = new ProxyTracerProvider()
/** Our contexts, as a host may use them: it cannot switch them off. */
const offeredContexts: ContextManager = {
  active: () => contexts.active(),
  with: (context, callback, thisArg, ...values) =>
    contexts.with(context, callback, thisArg, ...values),
  bind: (context, target) => contexts.bind(context, target),
  attach: (context) => contexts.attach(context),
  enable: () => offeredContexts,
  disable: () => offeredContexts,
}

/** What a copy of the API exports, as far as it is needed. */
interface ApiCopy {
  readonly trace: { getTracerProvider(): TracerProvider }
  readonly context: { active(): Context }
}

/** Begins to offer `provider`; the returned function takes it back. */
export function offerToHost(provider: TracerProvider, clock: () => number): () => void {
  const undo = [offer(ownCopy, provider)]
  undo.push(
    watchLoadedModules((exported, file) => {
      if (/[\\/]@opentelemetry[\\/]api[\\/]/.test(file) && isApi(exported)) {
        undo.push(offer(exported, provider))
      }
    }, clock),
  )
  return () => {
    for (const step of undo) step()
  }
}

function offer(api: ApiCopy, provider: TracerProvider): () => void {
  const proxy = api.trace.getTracerProvider()
  // The host was first, or it is a copy whose proxy is already ours.
  if (!isProxy(proxy) || hostHasItsOwn()) return () => undefined
  const offered: TracerProvider = {
    getTracer(name, version, options) {
      const ours = provider.getTracer(name, version, options)
      let theirs: Tracer | undefined
      // A tracer taken before the host started its SDK belongs to that SDK from then on, as without us.
      return following(() => {
        if (!hostHasItsOwn()) return ours
        if (theirs !== undefined) return theirs
        const current = api.trace.getTracerProvider()
        const isOurs = current === proxy && proxy.getDelegate() === offered
        theirs = (isOurs ? noTelemetry : current).getTracer(name, version, options)
        return theirs
      })
    },
  }
  proxy.setDelegate(offered)

  const none: unknown = Reflect.get(api.context, '_getContextManager')?.call(api.context)
  const restore = replaceMethod(
    api.context,
    '_getContextManager',
    (original) =>
      function _getContextManager() {
        const manager = original.call(this)
        return manager === none && !hostHasItsOwn() ? offeredContexts : manager
      },
  )
  return () => {
    restore()
    if (proxy.getDelegate() === offered) proxy.setDelegate(noTelemetry)
  }
}

function following(current: () => Tracer): Tracer {
  return {
    startSpan: (name, options, context) => current().startSpan(name, options, context),
    startActiveSpan(...values: unknown[]) {
      const tracer = current()
      return Reflect.apply(tracer.startActiveSpan, tracer, values)
    },
  }
}

function hostHasItsOwn(): boolean {
  const globals: unknown = Reflect.get(globalThis, globalsKey)
  if (typeof globals !== 'object' || globals === null) return false
  return (
    Reflect.get(globals, 'trace') !== undefined || Reflect.get(globals, 'context') !== undefined
  )
}

function isProxy(provider: TracerProvider): provider is ProxyTracerProvider {
  return (
    typeof Reflect.get(provider, 'setDelegate') === 'function' &&
    typeof Reflect.get(provider, 'getDelegate') === 'function'
  )
}

function isApi(exported: unknown): exported is ApiCopy {
  if (typeof exported !== 'object' || exported === null) return false
  const { trace, context } = exported as Record<string, unknown>
  return (
    typeof trace === 'object' &&
    trace !== null &&
    typeof Reflect.get(trace, 'getTracerProvider') === 'function' &&
    typeof context === 'object' &&
    context !== null &&
    typeof Reflect.get(context, '_getContextManager') === 'function'
  )
}
