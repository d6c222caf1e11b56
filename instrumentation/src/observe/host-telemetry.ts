/**
 * The host's use of OpenTelemetry's API. Nothing is registered with it: each copy of the API that the host has loaded is
 * *offered* our tracers and our context, and uses them only while the host has registered nothing. So spans of the host's
 * code and of SDKs that trace themselves become part of our turns; and a host that starts its own SDK, before or after,
 * finds the API empty, gets all of those spans, and none of ours.
 *
 * Copies of the API are found among the loaded CommonJS modules, and by their name from the program and its dependencies. In the
 * published package our own copy is part of the bundle, so it is not one of them: an app may need another version.
 *
 * Two members of the API are not public: `context._getContextManager`, the only place where a context manager can be put
 * without registering it, and the symbol of its globals. A copy that lacks them, or is not found, is not touched: its
 * spans are not seen, and the model calls get spans of ours.
 */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import * as ownCopy from '@opentelemetry/api'
import {
  type ContextManager,
  type ProxyTracerProvider,
  ROOT_CONTEXT,
  type Span,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api'
import { asObject, isObject } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'
import { contexts } from '../record/contexts.ts'
import { watchLoadedModules } from './loaded-modules.ts'
import type { SpanStarter, SpanStarters } from './native-spans.ts'
import { addStandIn } from './own-frames.ts'
import { filesOfCopies, filesOfPackage, type PackageFiles } from './program-packages.ts'
import { all, replaceMethod } from './replace-method.ts'
import { onServerListening } from './subscribe.ts'

const api = '@opentelemetry/api'
/** All 1.x versions of the API share it. */
const globalsKey = Symbol.for('opentelemetry.js.api.1')
/** Our contexts for a host, which cannot switch them off. */
const offeredContexts: ContextManager = {
  active: () => contexts.active(),
  // Bound, since a bound function has no frame of its own.
  with: contexts.with.bind(contexts) as ContextManager['with'],
  bind: (context, target) => contexts.bind(context, target),
  attach: (context) => contexts.attach(context),
  enable: () => offeredContexts,
  disable: () => offeredContexts,
}

/** The exports of a copy of the API that are used here. */
interface ApiCopy {
  readonly trace: { getTracerProvider(): TracerProvider }
  readonly context: Pick<ContextManager, 'active' | 'with'>
  readonly ProxyTracer?: (new (...values: never[]) => Tracer) | undefined
}

/** Begins to offer `provider`; `undo` withdraws it. */
export function offerToHost(provider: SpanStarters, clock: () => number) {
  const offered = new WeakSet<object>()
  const undo: (() => void)[] = []
  const find = (exported: unknown): void => {
    if (isApi(exported)) undo.push(offer(exported, provider, offered))
  }
  find(ownCopy)
  const modules = watchLoadedModules((exported, file) => {
    if (/[\\/]@opentelemetry[\\/]api[\\/]/.test(file)) find(exported)
  }, clock)
  const require = createRequire(import.meta.url)
  const load = ({ imported, required }: PackageFiles): void => {
    // Without a build of its own for `import`, it is among the CommonJS modules once the host has loaded it.
    if (imported === undefined || required === undefined) return
    quietly('offer to a copy of the API', () => find(require(fileURLToPath(imported))))
  }
  const own = quietly("look for the program's copy of the API", () => filesOfPackage(api, '.'))
  if (own !== undefined) load(own)
  let isSearched = false
  const search = (): void => {
    modules.look()
    if (isSearched) return
    isSearched = true
    quietly('look for copies of the API', () => filesOfCopies(api, '.').forEach(load))
  }
  undo.push(modules.undo, onServerListening(search))
  return {
    /** A model is called: now the program has loaded what it traces with. */
    modelCalled: search,
    undo: all(undo),
  }
}

function offer(copy: ApiCopy, provider: SpanStarters, known: WeakSet<object>): () => void {
  const proxy = copy.trace.getTracerProvider()
  // The host has registered an SDK, or this copy has been offered `provider` already.
  if (!isProxy(proxy) || hostHasItsOwn() || known.has(proxy)) return () => undefined
  known.add(proxy)
  const none = proxy.getDelegate()
  const offered: TracerProvider = {
    getTracer(name, version, options) {
      const ours = provider.getTracer(name, version, options)
      let theirs: Tracer | undefined
      // Once the host starts its SDK, a tracer taken before belongs to that SDK, as without us.
      return following(none.getTracer(name, version, options), ours, () => {
        if (!hostHasItsOwn()) return undefined
        if (theirs !== undefined) return theirs
        const current = copy.trace.getTracerProvider()
        const isOurs = current === proxy && proxy.getDelegate() === offered
        theirs = (isOurs ? none : current).getTracer(name, version, options)
        return theirs
      })
    },
  }
  proxy.setDelegate(offered)
  const undo = [givesProxies(copy, proxy, offered), offerContexts(copy)]
  return () => {
    all(undo)()
    // As before, so that a tracer of the host finds an SDK that is registered later.
    if (proxy.getDelegate() === offered) Reflect.apply(proxy.setDelegate, proxy, [undefined])
  }
}

function offerContexts(copy: ApiCopy): () => void {
  const none: unknown = Reflect.get(copy.context, '_getContextManager')?.call(copy.context)
  const restore = replaceMethod(
    copy.context,
    '_getContextManager',
    (original) =>
      function _getContextManager() {
        const manager = original.call(this)
        return manager === none && !hostHasItsOwn() ? offeredContexts : manager
      },
  )
  if (!isContextManager(none)) return restore
  const standIn = addStandIn({
    inOurs: (call) => copy.context.with(copy.context.active(), call),
    inTheirs: (call) => none.with(ROOT_CONTEXT, call),
  })
  return all([restore, standIn])
}

/** The host gets its API's own tracers, which ask for ours with each call: the stacks of its errors show them. */
function givesProxies(
  { ProxyTracer }: ApiCopy,
  proxy: ProxyTracerProvider,
  offered: TracerProvider,
): () => void {
  if (ProxyTracer === undefined) return () => undefined
  return replaceMethod(
    proxy,
    'getTracer',
    (original) =>
      function getTracer(...values) {
        if (proxy.getDelegate() !== offered) return original.apply(this, values)
        return Reflect.construct(ProxyTracer, [proxy, ...values])
      },
  )
}

/**
 * `tracer`, which does nothing, with our spans, or with all that the host's own does once it has one. Calls of the host's functions
 * pass no function of ours, so their errors show none.
 */
function following(tracer: Tracer, ours: SpanStarter, theirs: () => Tracer | undefined): Tracer {
  const { startActiveSpan } = tracer
  return Object.defineProperties(tracer, {
    startSpan: {
      value: (...values: Parameters<Tracer['startSpan']>) =>
        (theirs() ?? ours).startSpan(...values),
    },
    startActiveSpan: {
      get() {
        const other = theirs()
        return other === undefined ? startActiveSpan : other.startActiveSpan.bind(other)
      },
    },
  })
}

/** Whether the host has registered an SDK of its own. */
export function hostHasItsOwn(): boolean {
  const { trace, context } = asObject(Reflect.get(globalThis, globalsKey)) ?? {}
  return trace !== undefined || context !== undefined
}

/** The active span of a host that has registered a context manager of its own. */
export function spanOfHost(): Span | undefined {
  const { context } = asObject(Reflect.get(globalThis, globalsKey)) ?? {}
  if (!isContextManager(context)) return undefined
  // Of all versions of the API.
  const span = context.active().getValue(Symbol.for('OpenTelemetry Context Key SPAN'))
  return isObject(span) ? (span as unknown as Span) : undefined
}

function isContextManager(value: unknown): value is Pick<ContextManager, 'active' | 'with'> {
  const { active, with: enter } = asObject(value) ?? {}
  return typeof active === 'function' && typeof enter === 'function'
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
