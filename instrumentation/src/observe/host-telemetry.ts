/**
 * The host's use of OpenTelemetry's API. Nothing is registered with it: each copy of the API that the host has loaded is
 * *offered* our tracers and our context, and uses them only while the host has registered nothing. So spans of the host's
 * code and of SDKs that trace themselves become part of our turns; and a host that starts its own SDK, before or after,
 * finds the API empty, gets all of those spans, and none of ours.
 *
 * Two members of the API are not public: `context._getContextManager`, the only place where a context manager can be put
 * without registering it, and the symbol of its globals. A copy that lacks them, or is not found, is not touched: its
 * spans are not seen, and the model calls get spans of ours.
 */
import * as ownCopy from '@opentelemetry/api'
import {
  type Context,
  type ContextManager,
  ProxyTracerProvider,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api'
import { asObject } from '@turnlog/conventions/plain'
import { contexts } from '../record/contexts.ts'
import { watchLoadedModules } from './loaded-modules.ts'
import { all, replaceMethod } from './replace-method.ts'

/** All 1.x versions of the API share it. */
const globalsKey = Symbol.for('opentelemetry.js.api.1')
const noTelemetry = new ProxyTracerProvider()
/** Our contexts for a host, which cannot switch them off. */
const offeredContexts: ContextManager = {
  active: () => contexts.active(),
  with: (context, callback, thisArg, ...values) =>
    contexts.with(context, callback, thisArg, ...values),
  bind: (context, target) => contexts.bind(context, target),
  attach: (context) => contexts.attach(context),
  enable: () => offeredContexts,
  disable: () => offeredContexts,
}

/** The exports of a copy of the API that are used here. */
interface ApiCopy {
  readonly trace: { getTracerProvider(): TracerProvider }
  readonly context: { active(): Context }
}

/** Begins to offer `provider`; the returned function withdraws it. */
export function offerToHost(provider: TracerProvider, clock: () => number): () => void {
  const undo = [offer(ownCopy, provider)]
  undo.push(
    watchLoadedModules((exported, file) => {
      if (/[\\/]@opentelemetry[\\/]api[\\/]/.test(file) && isApi(exported)) {
        undo.push(offer(exported, provider))
      }
    }, clock),
  )
  return all(undo)
}

function offer(api: ApiCopy, provider: TracerProvider): () => void {
  const proxy = api.trace.getTracerProvider()
  // The host has registered an SDK, or this copy has been offered `provider` already.
  if (!isProxy(proxy) || hostHasItsOwn()) return () => undefined
  const offered: TracerProvider = {
    getTracer(name, version, options) {
      const ours = provider.getTracer(name, version, options)
      let theirs: Tracer | undefined
      // Once the host starts its SDK, a tracer taken before belongs to that SDK, as without us.
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
  const { trace, context } = asObject(Reflect.get(globalThis, globalsKey)) ?? {}
  return trace !== undefined || context !== undefined
}

function isProxy(provider: TracerProvider): provider is ProxyTracerProvider {
  return (
    typeof Reflect.get(provider, 'setDelegate') === 'function' &&
    typeof Reflect.get(provider, 'getDelegate') === 'function'
  )
}

function isApi(exported: unknown): exported is ApiCopy {
  const { trace, context } = asObject(exported) ?? {}
  return (
    typeof asObject(trace)?.getTracerProvider === 'function' &&
    typeof asObject(context)?._getContextManager === 'function'
  )
}
