/**
 * Loaded before the preload: makes its start throw at one place, and prints at the exit which functions of the host were
 * replaced when it threw, and which still are.
 */
import { AsyncResource } from 'node:async_hooks'
import * as childProcess from 'node:child_process'
import { channel } from 'node:diagnostics_channel'
import fs from 'node:fs'
import http from 'node:http'
import { createRequire } from 'node:module'
import net from 'node:net'
import * as threads from 'node:worker_threads'

const places: Readonly<Record<string, object>> = {
  fs,
  promises: fs.promises,
  childProcess: createRequire(import.meta.url)('node:child_process'),
  imported: childProcess,
  request: http.IncomingMessage.prototype,
  response: http.ServerResponse.prototype,
  socket: net.Socket.prototype,
  child: childProcess.ChildProcess.prototype,
  threads: createRequire(import.meta.url)('node:worker_threads'),
  worker: threads.Worker.prototype,
  port: threads.MessagePort.prototype,
  channel: threads.MessageChannel.prototype,
  asyncHooks: createRequire(import.meta.url)('node:async_hooks'),
  asyncResource: AsyncResource.prototype,
  global: globalThis,
  process,
}
const channels = [
  'http.server.request.start',
  'http.client.request.created',
  'net.server.socket',
  'tracing:fastify.request.handler:error',
  'undici:request:create',
]
const events = ['exit', 'uncaughtExceptionMonitor']

/** By name: each function of the places, and how many watch each channel and event. */
function look(): Map<string, unknown> {
  const found = new Map<string, unknown>()
  for (const [place, target] of Object.entries(places)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(target))) {
      if (typeof value === 'function') found.set(`${place}.${name}`, value)
    }
  }
  for (const name of channels) found.set(name, channel(name).hasSubscribers)
  for (const name of events) found.set(name, process.listenerCount(name))
  return found
}

function replaced(): string[] {
  const now = look()
  const names = new Set([...before.keys(), ...now.keys()])
  return [...names].filter((name) => before.get(name) !== now.get(name))
}

let whenThrown: string[] = []

function refuse(): never {
  whenThrown = replaced()
  throw new Error('The start is refused.')
}

if (new URL(import.meta.url).searchParams.get('at') === 'handle') {
  const { defineProperty } = Object
  Object.defineProperty = (target, name, descriptor) =>
    name === Symbol.for('turnlog.instrumentation')
      ? refuse()
      : defineProperty(target, name, descriptor)
} else {
  const { on } = process
  process.on = (event: string, ...values: unknown[]) =>
    event === 'uncaughtExceptionMonitor' ? refuse() : Reflect.apply(on, process, [event, ...values])
}

process.on('exit', () => {
  fs.writeSync(1, `left replaced: ${JSON.stringify(replaced())}\n`)
  fs.writeSync(1, `was replaced: ${JSON.stringify(whenThrown)}\n`)
})

const before = look()
