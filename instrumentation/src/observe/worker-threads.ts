/**
 * Worker threads take the owner of their file operations from whoever makes them and sends them messages: the tool call or
 * turn in whose context `new Worker` or `postMessage` is called, also on ports that were transferred to the worker, as pools
 * do. This is the sender's side; `worker-messages.ts` is the worker's, `record/owner-mailbox.ts` what is between them. The
 * host's messages, `workerData`, environment and listeners stay as they are. A port leads to a worker only if this thread
 * has made the channel and transferred its other end.
 */
import { MessagePort, setEnvironmentData, Worker } from 'node:worker_threads'
import { isObject } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'
import { callOfMessage } from '../record/call-of-message.ts'
import { contexts } from '../record/contexts.ts'
import { type InheritedOwner, ownerForCall, ownerToHandOver } from '../record/inherited-owner.ts'
import { createMailbox, mailboxKey } from '../record/owner-mailbox.ts'
import type { ToolCall } from '../record/tool-call.ts'
import { argumentsOfThread } from './inherited-preload.ts'
import { observePoolTasks, type PoolTasks } from './pool-tasks.ts'
import { all, type Method, replaceInBuiltin, replaceMethod } from './replace-method.ts'

/** A directive comes before all code, but not before comments. */
const headLengthMax = 4_096

/** The way to one worker. */
interface Route {
  readonly mailbox: ReturnType<typeof createMailbox>
  /** The number of the next port that is transferred to it. */
  nextPort: number
}

/** A worker, or a port whose other end a worker has. */
interface Outgoing {
  readonly route: Route
  readonly port: number
  /** The owner of the last message. */
  last: string
}

export interface WorkerThreadOptions {
  /** The preload's file. */
  readonly preload: string
  /** The tool calls that are open in this thread. */
  readonly openCalls: () => Iterable<ToolCall>
  /** Gets the folder that an ended thread recorded into. */
  readonly onEnded: (folder: string) => void
}

/** Begins to watch; the returned function undoes it. */
export function observeWorkerThreads({
  preload,
  openCalls,
  onEnded,
}: WorkerThreadOptions): () => void {
  const folder = process.cwd()
  const tasks = observePoolTasks()
  const senders = new Senders(tasks.contextOf, openCalls)
  const makesWorker = (original: Method): Method =>
    new Proxy(original, {
      construct(target, values, newTarget) {
        const given =
          quietly('add the preload', () => withArguments(withPreload(values, preload), folder)) ??
          values
        const construct = (): object =>
          Reflect.construct(target, given, newTarget === worker ? target : newTarget)
        return senders.makeWorker(values, construct)
      },
    })
  const makesChannel = (original: Method): Method =>
    new Proxy(original, {
      construct(target, values, newTarget) {
        const made = Reflect.construct(target, values, newTarget === channel ? target : newTarget)
        quietly('note a channel', () => senders.noteChannel(made))
        return made
      },
    })
  const posts = (original: Method): Method =>
    function (...values) {
      quietly('name the owner of a message', () => senders.beforePost(this, values))
      const result = original.apply(this, values)
      quietly('count a message', () => senders.afterPost(this))
      return result
    }
  const ends = (original: Method): Method =>
    function (...values) {
      if (values[0] === 'exit') {
        const folder = quietly('end a worker thread', () => senders.folderOf(this))
        if (folder !== undefined) quietly('end its recorder', () => onEnded(folder))
      }
      return original.apply(this, values)
    }
  let worker: Method | undefined
  let channel: Method | undefined
  return all([
    tasks.undo,
    replaceInBuiltin('worker_threads', (exported) => [
      replaceMethod(exported, 'Worker', (original) => (worker = makesWorker(original))),
      replaceMethod(exported, 'MessageChannel', (original) => (channel = makesChannel(original))),
    ]),
    replaceMethod(globalThis, 'MessageChannel', (original) => channel ?? original),
    replaceMethod(Worker.prototype, 'constructor', (original) => worker ?? original),
    replaceMethod(MessageChannel.prototype, 'constructor', (original) => channel ?? original),
    replaceMethod(Worker.prototype, 'postMessage', posts),
    replaceMethod(Worker.prototype, 'emit', ends),
    replaceMethod(MessagePort.prototype, 'postMessage', posts),
  ])
}

/** The workers and ports on which this thread sends messages, and the owners that it sends with them. */
class Senders {
  readonly #contextOf: PoolTasks['contextOf']
  readonly #openCalls: WorkerThreadOptions['openCalls']
  readonly #outgoing = new WeakMap<object, Outgoing>()
  readonly #twins = new WeakMap<object, MessagePort>()
  /** Messages posted on a worker or a port. */
  readonly #posted = new WeakMap<object, number>()

  constructor(contextOf: PoolTasks['contextOf'], openCalls: WorkerThreadOptions['openCalls']) {
    this.#contextOf = contextOf
    this.#openCalls = openCalls
  }

  /** `construct` makes the worker; its errors are the host's. */
  makeWorker(values: readonly unknown[], construct: () => object): object {
    const options = isObject(values[1]) ? values[1] : {}
    const isOwn = isObject(options.workerData) && options.workerData.turnlogSealingWorker === true
    const route = isOwn ? undefined : quietly('make a mailbox', () => this.#openRoute(options))
    if (route === undefined) return construct()
    let made: object
    try {
      made = construct()
    } finally {
      setEnvironmentData(mailboxKey, undefined)
    }
    quietly('address a mailbox', () => {
      if (made instanceof Worker) route.mailbox.addressTo(made.threadId)
      this.#outgoing.set(made, { route, port: 0, last: route.first })
    })
    return made
  }

  noteChannel({ port1, port2 }: { readonly port1: MessagePort; readonly port2: MessagePort }) {
    this.#twins.set(port1, port2)
    this.#twins.set(port2, port1)
  }

  beforePost(sender: unknown, [message, transferList]: readonly unknown[]): void {
    if (typeof sender !== 'object' || sender === null) return
    const way = this.#outgoing.get(sender)
    if (way === undefined) return
    const owner = this.#ownerOf(message)
    const transfers = this.#transfer(way.route, transferList)
    const key = keyOf(owner)
    if (key === way.last && transfers === undefined) return
    way.last = key
    const number = (this.#posted.get(sender) ?? 0) + 1
    way.route.mailbox.write({ port: way.port, message: number, owner, transfers })
  }

  /** That of the code that gave the task, if it is known, else of the tool call that the message is about, else of the context. */
  #ownerOf(message: unknown): InheritedOwner | undefined {
    const given = this.#contextOf(message)
    const owner = ownerToHandOver(given ?? contexts.active())
    if (given !== undefined) return owner
    const call = callOfMessage(message, this.#openCalls(), owner)
    return call === undefined || call.span.spanContext().spanId === owner?.spanId
      ? owner
      : ownerForCall(call)
  }

  afterPost(sender: unknown): void {
    if (typeof sender !== 'object' || sender === null) return
    if (this.#outgoing.has(sender) || this.#twins.has(sender)) {
      this.#posted.set(sender, (this.#posted.get(sender) ?? 0) + 1)
    }
  }

  folderOf(worker: unknown): string | undefined {
    const isKnown = typeof worker === 'object' && worker !== null
    const way = isKnown ? this.#outgoing.get(worker) : undefined
    return way?.route.mailbox.recorderFolder()
  }

  /** The worker finds the mailbox in the environment data that it is made with. */
  #openRoute({ transferList }: Readonly<Record<string, unknown>>) {
    const owner = ownerToHandOver(contexts.active())
    const route = { mailbox: createMailbox(), nextPort: 1, first: keyOf(owner) }
    const transfers = this.#transfer(route, transferList)
    route.mailbox.write({ port: 0, message: 0, owner, transfers })
    setEnvironmentData(mailboxKey, route.mailbox.memory)
    return route
  }

  /**
   * The ports that are sent with a message now lead to the worker. Returns the number of the first; `undefined` if
   * there is none.
   */
  #transfer(route: Route, transferList: unknown): number | undefined {
    const list = isObject(transferList) ? transferList.transfer : transferList
    const ports = Array.isArray(list) ? list.filter((each) => each instanceof MessagePort) : []
    if (ports.length === 0) return undefined
    const first = route.nextPort
    route.nextPort += ports.length
    for (const [index, port] of ports.entries()) {
      const twin = this.#twins.get(port)
      if (twin !== undefined) this.#outgoing.set(twin, { route, port: first + index, last: '' })
    }
    return first
  }
}

/**
 * Node runs no `--import` in a thread that is made from a text, so such a text begins with the preload, on its first line.
 * If the thread is made with options of its own, it runs no preload in any case.
 */
function withPreload([code, options, ...rest]: readonly unknown[], preload: string): unknown[] {
  const isText = typeof code === 'string' && isObject(options) && options.eval === true
  if (!isText || options.execArgv !== undefined || code.startsWith('#!')) {
    return [code, options, ...rest]
  }
  const head = code.slice(0, headLengthMax)
  const strict = /^(?:\s|\/\/.*\n|\/\*(?:(?!\*\/)[\s\S])*\*\/)*(['"])use strict\1/.test(head)
    ? `'use strict';`
    : ''
  const file = JSON.stringify(preload)
  const load = `globalThis.process.getBuiltinModule('module').createRequire(${file})(${file})`
  return [`${strict}try{${load}}catch{};${code}`, options, ...rest]
}

/** `folder`: where the app was started. */
function withArguments([code, options, ...rest]: readonly unknown[], folder: string): unknown[] {
  const given = isObject(options) ? options : {}
  const isLeft = given.execArgv !== undefined || process.cwd() === folder
  const execArgv = isLeft ? undefined : argumentsOfThread()
  return [code, execArgv === undefined ? options : { ...given, execArgv }, ...rest]
}

function keyOf(owner: InheritedOwner | undefined): string {
  return owner === undefined ? '' : `${owner.spanId} ${owner.isShared === true}`
}
