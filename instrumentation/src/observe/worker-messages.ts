/**
 * The worker's side of `worker-threads.ts`: finds the owner of each message that arrives. A listener runs in a context with
 * that owner; after `receiveMessageOnPort` the caller's context has it. Code in no such context, as after an awaited event,
 * belongs to the owner of the last message. Where Node has no such way to watch a port, the worker keeps the owner that
 * it was made with.
 */
import {
  getEnvironmentData,
  isMainThread,
  MessagePort,
  parentPort,
  setEnvironmentData,
  threadId,
  workerData,
} from 'node:worker_threads'
import { isObject } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'
import { contexts, runIn } from '../record/contexts.ts'
import {
  contextWithInheritedOwner,
  type InheritedOwner,
  setInheritedOwner,
} from '../record/inherited-owner.ts'
import { type MailboxEntry, mailboxKey, openMailbox } from '../record/owner-mailbox.ts'
import { all, type Method, replaceInBuiltin, replaceMethod } from './replace-method.ts'

/** Node calls this method of a port for each event, after it has set the ports that came with a message. */
const dispatchKey = Symbol.for('nodejs.internal.kHybridDispatch')
const receivingKey = Symbol.for('nodejs.internal.kCurrentlyReceivingPorts')
/** Ports of which entries are kept; above it the oldest gets no owners any more. */
const portsMax = 256

/** A port on which messages with owners arrive. */
interface Incoming {
  received: number
  owner: InheritedOwner | undefined
  /** Entries of messages that have not arrived. */
  pending: MailboxEntry[]
}

/** Begins to watch, in a worker thread; the returned function undoes it. `folder`: what this thread records into. */
export function observeWorkerMessages(folder: string): () => void {
  if (isMainThread) return () => undefined
  const memory = getEnvironmentData(mailboxKey)
  // The threads that this one makes do not get it.
  setEnvironmentData(mailboxKey, undefined)
  const mailbox = openMailbox(memory, threadId)
  if (mailbox === undefined) return () => undefined
  mailbox.recordsInto(folder)
  const receiver = createReceiver(mailbox.take)
  const dispatches = (original: Method): Method =>
    function (...values) {
      const isMessage = values[1] === 'message' || values[1] === 'messageerror'
      const incoming = isMessage
        ? quietly('find the owner of a message', () => receiver.received(this))
        : undefined
      if (incoming === undefined) return original.apply(this, values)
      const context = contextWithInheritedOwner(contexts.active(), incoming.owner)
      return runIn(context, () => original.apply(this, values))
    }
  const receives = (original: Method): Method =>
    function (...values) {
      const result = original.apply(this, values)
      if (result !== undefined) {
        quietly('find the owner of a message', () => {
          const incoming = receiver.received(values[0])
          if (incoming === undefined) return
          contexts.attach(contextWithInheritedOwner(contexts.active(), incoming.owner))
        })
      }
      return result
    }
  return all([
    replaceMethod(MessagePort.prototype, dispatchKey, dispatches),
    replaceInBuiltin('worker_threads', (exported) => [
      replaceMethod(exported, 'receiveMessageOnPort', receives),
    ]),
  ])
}

function createReceiver(take: NonNullable<ReturnType<typeof openMailbox>>['take']) {
  const ports = new WeakMap<object, Incoming>()
  const numbered = new Map<number, Incoming>()

  function incomingOf(number: number): Incoming {
    const known = numbered.get(number)
    if (known !== undefined) return known
    const made: Incoming = { received: 0, owner: undefined, pending: [] }
    for (const oldest of numbered.keys()) {
      if (numbered.size < portsMax) break
      if (oldest !== 0) numbered.delete(oldest)
    }
    numbered.set(number, made)
    return made
  }

  function drain(): void {
    const { entries, hasLost } = take()
    if (hasLost) for (const incoming of numbered.values()) Object.assign(incoming, forgotten())
    for (const entry of entries) incomingOf(entry.port).pending.push(entry)
  }

  /**
   * The owner of the message that has just arrived becomes the port's. Returns the number of the first port that came
   * with it.
   */
  function advance(incoming: Incoming): number | undefined {
    let transfers: number | undefined
    while ((incoming.pending[0]?.message ?? Number.POSITIVE_INFINITY) <= incoming.received) {
      const entry = incoming.pending.shift()
      incoming.owner = entry?.owner
      transfers = entry?.message === incoming.received ? entry.transfers : undefined
    }
    setInheritedOwner(incoming.owner)
    return transfers
  }

  function number(first: number | undefined, arrived: unknown): void {
    if (first === undefined || !Array.isArray(arrived)) return
    for (const [index, port] of arrived.entries()) ports.set(port, incomingOf(first + index))
  }

  drain()
  const own = incomingOf(0)
  if (parentPort !== null) ports.set(parentPort, own)
  number(advance(own), portsIn(workerData))

  return {
    /** `undefined`: not a port on which owners arrive. */
    received(port: unknown): Incoming | undefined {
      if (!(port instanceof MessagePort)) return undefined
      drain()
      const incoming = ports.get(port)
      if (incoming === undefined) return undefined
      incoming.received += 1
      number(advance(incoming), Reflect.get(port, receivingKey))
      return incoming
    },
  }
}

function forgotten(): Omit<Incoming, 'received'> {
  return { owner: undefined, pending: [] }
}

/** The only port in the data of a worker. If there are several, it is not known which is which. */
function portsIn(data: unknown): MessagePort[] {
  const values = isObject(data) ? [data, ...Object.values(data)] : []
  const ports = values.filter((value) => value instanceof MessagePort)
  return ports.length === 1 ? ports : []
}
