/**
 * Child processes that the host starts with `node:child_process`. All ways to start one end in `ChildProcess.prototype.spawn`
 * or in a synchronous call that blocks the host until the child has ended. The host's calls, results and errors stay as
 * they are.
 */
import { ChildProcess } from 'node:child_process'
import { quietly } from '../health.ts'
import type { AskedChildren, OpenChild, StartedChildren } from './asked-children.ts'
import { type Command, fileCommand, shellCommand, spawnCommand } from './child-command.ts'
import { observeRequests } from './child-requests.ts'
import { all, type Method, replaceInBuiltin, replaceMethod } from './replace-method.ts'

export interface NodeChildrenOptions {
  readonly children: StartedChildren
  readonly asked: AskedChildren
}

/** Begins to watch; the returned function undoes it. */
export function observeNodeChildren(options: NodeChildrenOptions): () => void {
  const observed = new NodeChildren(options)
  return all([
    replaceMethod(ChildProcess.prototype, 'spawn', (original) => observed.observeSpawn(original)),
    replaceMethod(ChildProcess.prototype, 'emit', (original) => observed.observeEvents(original)),
    replaceInBuiltin('child_process', (childProcess) =>
      [
        ['execSync', shellCommand] as const,
        ['execFileSync', fileCommand] as const,
        ['spawnSync', fileCommand] as const,
      ].map(([name, describe]) =>
        replaceMethod(childProcess, name, (original) => observed.observeSync(original, describe)),
      ),
    ),
  ])
}

class NodeChildren {
  readonly #options: NodeChildrenOptions
  /** By the host's object. */
  readonly #byProcess = new WeakMap<object, OpenChild>()

  constructor(options: NodeChildrenOptions) {
    this.#options = options
  }

  observeSpawn(original: Method): Method {
    const { children, asked } = this.#options
    const began = (command: Command, child: OpenChild | undefined, process: object): void => {
      const runs = process instanceof ChildProcess && process.pid !== undefined
      if (!runs) {
        if (child !== undefined) children.abandon(child)
        return
      }
      if (child !== undefined) {
        this.#byProcess.set(process, child)
        children.started(child, process.pid)
      }
      observeRequests(process, {
        begin: (texts) => asked.request({ ...command, texts }, process, child),
        wrote: (texts) => asked.wrote({ ...command, texts }, process, child),
      })
    }
    const describe = (options: unknown) => {
      const command = spawnCommand(options)
      return { command, child: children.begin(command) }
    }
    return function (...values) {
      const begun = quietly('open a child process', () => describe(values[0]))
      children.forks(true)
      try {
        return original.apply(this, values)
      } finally {
        children.forks(false)
        if (begun !== undefined) {
          const { command, child } = begun
          quietly('begin a child process', () => began(command, child, this as object))
        }
      }
    }
  }

  observeEvents(original: Method): Method {
    const { children, asked } = this.#options
    const see = (process: object, [event, code, signal]: readonly unknown[]): void => {
      if (event !== 'exit' && event !== 'close') return
      asked.ended(process)
      const child = this.#byProcess.get(process)
      if (child === undefined) return
      if (event === 'close') children.end(child, { code, signal })
      else children.exited(child, { code, signal })
    }
    return function emit(...values) {
      quietly('see an event of a child process', () => see(this as object, values))
      return original.apply(this, values)
    }
  }

  observeSync(original: Method, describe: (values: readonly unknown[]) => Command): Method {
    const { children } = this.#options
    const begin = (values: readonly unknown[]): OpenChild | undefined => {
      const child = children.begin(describe(values))
      if (child !== undefined) children.started(child, undefined)
      return child
    }
    const end = (child: OpenChild, result: unknown): void => {
      const { status, signal, pid } = Object(result)
      if (typeof pid === 'number' && pid > 0) child.pid = pid
      children.end(child, { code: status ?? (signal === undefined ? 0 : undefined), signal })
    }
    return function (...values) {
      const child = quietly('open a child process', () => begin(values))
      let result: unknown
      try {
        result = original.apply(this, values)
        return result
      } catch (cause) {
        result = cause
        throw cause
      } finally {
        if (child !== undefined) quietly('end a child process', () => end(child, result))
      }
    }
  }
}
