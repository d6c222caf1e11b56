/**
 * Tasks of worker pools that wait for a free thread (piscina, tinypool): a pool posts such a task in the context of the
 * thread that became free. Its task is an `AsyncResource`, which has the context of the code that gave the task; the pool
 * takes the task's value out with `releaseTask()` and posts it at once, as the `task` of a message.
 */
import { AsyncResource } from 'node:async_hooks'
import type { Context } from '@opentelemetry/api'
import { isObject } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'
import { contexts } from '../record/contexts.ts'
import { all, type Method, replaceInBuiltin, replaceMethod } from './replace-method.ts'

const releaseName = 'releaseTask'

export interface PoolTasks {
  /** The context of the code that gave the task in this message; `undefined` for other messages. */
  readonly contextOf: (message: unknown) => Context | undefined
  readonly undo: () => void
}

export function observePoolTasks(): PoolTasks {
  const undo: (() => void)[] = []
  const known = new WeakSet<object>()
  let released: { readonly task: unknown; readonly context: Context } | undefined

  const releases = (original: Method): Method =>
    function (...values) {
      const task = original.apply(this, values)
      quietly('find the context of a task', () => {
        if (!(this instanceof AsyncResource)) return
        released = { task, context: this.runInAsyncScope(() => contexts.active()) }
      })
      return task
    }

  function noteKind(kind: object): void {
    if (known.has(kind)) return
    known.add(kind)
    const prototype: unknown = Reflect.get(kind, 'prototype')
    if (typeof prototype !== 'object' || prototype === null) return
    if (!Object.hasOwn(prototype, releaseName)) return
    undo.push(replaceMethod(prototype, releaseName, releases))
  }

  let resource: Method | undefined
  undo.push(
    replaceInBuiltin('async_hooks', (exported) => [
      replaceMethod(exported, 'AsyncResource', (original) => {
        resource = new Proxy(original, {
          construct(target, values, newTarget) {
            if (newTarget === resource) return Reflect.construct(target, values, target)
            quietly('look at a kind of task', () => noteKind(newTarget))
            return Reflect.construct(target, values, newTarget)
          },
        })
        return resource
      }),
    ]),
    replaceMethod(AsyncResource.prototype, 'constructor', (original) => resource ?? original),
  )
  return {
    contextOf(message) {
      const found = released
      released = undefined
      return found !== undefined && isObject(message) && message.task === found.task
        ? found.context
        : undefined
    },
    undo: all(undo),
  }
}
