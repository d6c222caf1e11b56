/**
 * Programs that the app runs in a pseudo-terminal of node-pty, or of a package made from it. They do not pass
 * `node:child_process`: the addon's function `fork` starts them, and calls back when they have exited. The app writes to them
 * with the method `write` of the package's class `Terminal`; a shell that the app keeps gets its commands that way. On Windows
 * the addon has other functions, which are not observed.
 */
import { createRequire } from 'node:module'
import * as os from 'node:os'
import * as path from 'node:path'
import { isObject } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'
import type { AskedChildren, AskedProcess, OpenChild, StartedChildren } from './asked-children.ts'
import { type Command, terminalCommand } from './child-command.ts'
import { requestLengthMax } from './child-requests.ts'
import { all, type Method, replaceMethod } from './replace-method.ts'

const addonName = 'pty.node'
/** The class's module, in node-pty and in packages made from it. */
const terminalModule = /node-pty.*[\\/]terminal\.js$/
/** The parameters of `fork` that are read here. */
const pairsAt = 2
const endAt = 10

export interface PseudoTerminalsOptions {
  readonly children: StartedChildren
  readonly asked: AskedChildren
  /** Adds what a child of the current context gets to an environment, given as `name=value`. */
  readonly withOwner: (pairs: readonly unknown[]) => readonly unknown[]
}

/** A program in a terminal. */
interface Program {
  readonly command: Command
  readonly process: AskedProcess
  /** `undefined`: nothing was open when it was started. */
  readonly child: OpenChild | undefined
}

/** Begins to watch; the returned function undoes it. */
export function observePseudoTerminals(options: PseudoTerminalsOptions): () => void {
  const terminals = new PseudoTerminals(options)
  const undo: (() => void)[] = []
  const loaded = ([module, file]: readonly unknown[]): void => {
    if (path.basename(String(file)) !== addonName || !isObject(module)) return
    if (!isObject(module.exports)) return
    undo.push(replaceMethod(module.exports, 'fork', (original) => terminals.observeFork(original)))
  }
  undo.push(
    replaceMethod(process, 'dlopen', (original): Method => {
      return function dlopen(...values) {
        const result = original.apply(this, values)
        quietly('see an addon', () => loaded(values))
        return result
      }
    }),
    () => terminals.close(),
  )
  return all(undo)
}

class PseudoTerminals {
  readonly #options: PseudoTerminalsOptions
  /** The programs that run, by the number of their process. */
  readonly #programs = new Map<number, Program>()
  readonly #classes = new Map<object, () => void>()

  constructor(options: PseudoTerminalsOptions) {
    this.#options = options
  }

  observeFork(original: Method): Method {
    const begin = (values: readonly unknown[]): Program => {
      this.#observeWrites()
      const command = terminalCommand(values)
      return { command, process: { pid: undefined }, child: this.#options.children.begin(command) }
    }
    const given = (values: readonly unknown[], program: Program): unknown[] => {
      const changed = [...values]
      const pairs = values[pairsAt]
      if (Array.isArray(pairs)) changed[pairsAt] = this.#options.withOwner(pairs)
      changed[endAt] = this.#observeEnd(values[endAt], program)
      return changed
    }
    return (...values) => {
      const program = quietly('open a program in a terminal', () => begin(values))
      if (program === undefined) return original(...values)
      let result: unknown
      try {
        result = original(...(quietly('follow a program', () => given(values, program)) ?? values))
        return result
      } finally {
        quietly('begin a program in a terminal', () => this.#began(program, result))
      }
    }
  }

  close(): void {
    for (const undo of this.#classes.values()) undo()
  }

  #began(program: Program, result: unknown): void {
    const { child, process } = program
    const { pid } = Object(result)
    if (typeof pid !== 'number') {
      if (child !== undefined) this.#options.children.abandon(child)
      return
    }
    process.pid = pid
    this.#programs.set(pid, program)
    if (child !== undefined) this.#options.children.started(child, pid)
  }

  #observeEnd(original: unknown, { process, child }: Program): unknown {
    const ended = ([code, signal]: readonly unknown[]): void => {
      if (process.pid !== undefined) this.#programs.delete(process.pid)
      this.#options.asked.ended(process)
      if (child !== undefined) {
        this.#options.children.end(child, { code, signal: signalName(signal) })
      }
    }
    if (typeof original !== 'function') return original
    return (...values: unknown[]): unknown => {
      quietly('see the end of a program', () => ended(values))
      return original(...values)
    }
  }

  /** The class is loaded before its first terminal is made. */
  #observeWrites(): void {
    const modules: Readonly<Record<string, { readonly exports?: unknown } | undefined>> =
      createRequire(import.meta.url).cache
    for (const [file, module] of Object.entries(modules)) {
      if (!terminalModule.test(file) || !isObject(module?.exports)) continue
      const prototype: unknown = Object(module.exports.Terminal).prototype
      if (typeof prototype !== 'object' || prototype === null || this.#classes.has(prototype))
        continue
      const undo = replaceMethod(prototype, 'write', (original) => this.#observeWrite(original))
      this.#classes.set(prototype, undo)
    }
  }

  #observeWrite(original: Method): Method {
    const wrote = (terminal: unknown, data: unknown): void => {
      const program = this.#programs.get(Object(terminal).pid)
      const text = String(data)
      if (program === undefined || text.length > requestLengthMax) return
      const { command, process, child } = program
      const texts = text.split(/[\r\n]+/)
      this.#options.asked.wrote({ ...command, texts }, process, child)
    }
    return function write(...values) {
      quietly('see what is written to a terminal', () => wrote(this, values[0]))
      return original.apply(this, values)
    }
  }
}

/** From its number; 0: none. */
function signalName(signal: unknown): string | undefined {
  const found = Object.entries(os.constants.signals).find(([, number]) => number === signal)
  return found?.[0]
}
