/**
 * An app whose libraries trace themselves with OpenTelemetry's API, and that ends with an exception inside of what the API calls back:
 * `WAY` says how. `DEEP`: so many functions of its own are around that.
 */
import { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import * as imported from '@opentelemetry/api'

const { BUILD = 'import', DEEP = '0', WAY = '' } = process.env
const require = createRequire(import.meta.url)
const { context, trace }: typeof imported =
  BUILD === 'require' ? require('@opentelemetry/api') : imported
const early = trace.getTracer('early')
const broken = (): never => {
  throw new TypeError('broken')
}

const ways: Record<string, () => unknown> = {
  startActiveSpan: () => trace.getTracer('late').startActiveSpan('a span', broken),
  'startActiveSpan of an early tracer': () => early.startActiveSpan('a span', {}, broken),
  'nested spans': () =>
    early.startActiveSpan('outer', {}, context.active(), () =>
      early.startActiveSpan('inner', () => broken()),
    ),
  with: () => context.with(context.active(), broken),
  'with and this': () => context.with(context.active(), broken, 'this', ...([] as [])),
  bind: () => context.bind(context.active(), broken)(),
  'a bound emitter': () => {
    const emitter = context.bind(context.active(), new EventEmitter())
    emitter.on('event', broken)
    emitter.emit('event')
  },
  'an async function': () => early.startActiveSpan('a span', async () => broken()),
  'after an await': () =>
    early.startActiveSpan('a span', async () => {
      await undefined
      return broken()
    }),
}

function within(depth: number): unknown {
  return depth === 0 ? ways[WAY]?.() : within(depth - 1)
}

setImmediate(() => within(Number(DEEP)))
