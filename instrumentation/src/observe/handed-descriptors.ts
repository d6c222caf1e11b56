/**
 * Descriptors that the host gives a child process as its standard output: what the child writes through them is part of the
 * operation that the host's open began, although the host closes its own descriptor at once.
 */
import { ChildProcess } from 'node:child_process'
import { isObject } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'
import type { FileOperations } from './file-operations.ts'
import { all, type Method, replaceMethod } from './replace-method.ts'

/** Begins to watch; the returned function undoes it. */
export function observeHandedDescriptors(operations: FileOperations): () => void {
  const held = new WeakMap<object, readonly (() => void)[]>()
  const handOver = (child: object, options: unknown): void => {
    const stdio = isObject(options) && Array.isArray(options.stdio) ? options.stdio : []
    const given = new Set(stdio.filter((each) => typeof each === 'number' || isObject(each)))
    const back = [...given].flatMap((each) => operations.descriptors.handOver(each) ?? [])
    if (back.length > 0) held.set(child, back)
  }
  const takeBack = (child: object): void => {
    const back = held.get(child) ?? []
    held.delete(child)
    for (const step of back) step()
  }
  return all([
    replaceMethod(ChildProcess.prototype, 'spawn', (original): Method => {
      return function spawn(...values) {
        quietly('hand a descriptor over', () => handOver(Object(this), values[0]))
        return original.apply(this, values)
      }
    }),
    replaceMethod(ChildProcess.prototype, 'emit', (original): Method => {
      return function emit(...values) {
        // After `error`, no process was started.
        if (values[0] === 'exit' || values[0] === 'error') {
          quietly('take a descriptor back', () => takeBack(Object(this)))
        }
        return original.apply(this, values)
      }
    }),
  ])
}
