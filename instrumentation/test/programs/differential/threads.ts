/** Worker threads, ports and pools, as an app uses them in a turn and outside one. */
import { AsyncResource } from 'node:async_hooks'
import { once } from 'node:events'
import * as threads from 'node:worker_threads'
import { inTurn } from './in-turn.ts'

const { MessageChannel, parentPort, receiveMessageOnPort, Worker, workerData } = threads
const code = `
  const { parentPort, workerData, resourceLimits, getEnvironmentData } = require('node:worker_threads')
  const fs = require('node:fs')
  parentPort.on('message', (message) => {
    if (message.port) message.port.on('message', (other) => parentPort.postMessage(['on the port', other]))
    if (message.file) fs.writeFileSync(message.file, 'x')
    parentPort.postMessage({
      message: typeof message === 'object' ? Object.keys(message) : message,
      workerData,
      limit: resourceLimits.maxOldGenerationSizeMb,
      environment: process.env.GIVEN,
      argv: process.argv.slice(2),
      execArgv: process.execArgv.length,
      listeners: parentPort.listenerCount('message'),
      data: getEnvironmentData('of the app'),
    })
    if (message.last) process.exit(3)
  })
`

class OwnWorker extends Worker {
  readonly kind = 'own'
  override postMessage(...values: [unknown]): void {
    console.log('posts')
    super.postMessage(...values)
  }
}

async function use(name: string): Promise<void> {
  const worker = new OwnWorker(code, {
    eval: true,
    workerData: { given: [1, new Map([['a', 1]])] },
    env: { GIVEN: 'environment' },
    argv: ['argument'],
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 99 },
  })
  console.log(worker instanceof Worker, worker.constructor === OwnWorker, worker.kind)
  const { port1, port2 } = new MessageChannel()
  worker.postMessage({ first: 1 })
  worker.postMessage({ file: `${name}.txt` })
  const heard: unknown[] = []
  worker.on('message', (message) => heard.push(message))
  Worker.prototype.postMessage.call(worker, { port: port2 }, [port2])
  port1.postMessage('over the port')
  for (const uncloneable of [() => 1, Symbol('no')]) {
    try {
      worker.postMessage({ uncloneable })
    } catch (error) {
      console.log((error as Error).name)
    }
  }
  try {
    worker.postMessage({ port: port2 })
  } catch (error) {
    console.log((error as Error).name)
  }
  worker.postMessage({ last: true })
  console.log(worker.listenerCount('exit'), worker.listenerCount('message'))
  console.log(await once(worker, 'exit'))
  console.log(JSON.stringify(heard))
  port1.close()
}

async function ports(): Promise<void> {
  const { port1, port2 } = new MessageChannel()
  console.log(receiveMessageOnPort(port2))
  port1.postMessage({ a: 1 })
  port1.postMessage(undefined)
  console.log(receiveMessageOnPort(port2), receiveMessageOnPort(port2), receiveMessageOnPort(port2))
  console.log(port1 instanceof threads.MessagePort, new MessageChannel() instanceof MessageChannel)
  console.log(
    Object.is(MessageChannel, globalThis.MessageChannel),
    MessageChannel.name,
    Worker.name,
  )
  console.log(Worker.prototype.constructor === Worker, MessageChannel.length, Worker.length)
  console.log(port1.hasRef(), port2.hasRef())
  const heard = once(port2, 'message')
  port1.postMessage('one')
  console.log(await heard)
  port1.close()
}

class Task extends AsyncResource {
  value = 'task'
  constructor() {
    super('Task')
  }
  releaseTask(): string {
    return this.value
  }
}

if (!threads.isMainThread) {
  console.log('in a thread', workerData, parentPort === null)
} else {
  threads.setEnvironmentData('of the app', 'data')
  for (const [name, run] of [
    ['outside', (work: () => Promise<void>) => work()],
    ['inside', inTurn],
  ] as const) {
    await run(() => use(name))
    await run(ports)
  }
  const task = new Task()
  console.log(task.releaseTask(), task instanceof AsyncResource, task.constructor === Task)
  console.log(new AsyncResource('A').constructor === AsyncResource, AsyncResource.bind(() => 7)())
  console.log(threads.getEnvironmentData('of the app'))
  for (const wrong of [['missing.js'], [5], [new URL('file:///nowhere/missing.js'), { argv: 5 }]]) {
    try {
      const made: unknown = Reflect.construct(Worker, wrong)
      if (made instanceof Worker) await once(made, 'error')
    } catch (error) {
      console.log((error as { code?: string }).code)
    }
  }
  // Neither holds the app: it ends here.
  new Worker('setInterval(() => {}, 1000)', { eval: true }).unref()
}
