/** Apps whose tools work in worker threads and child processes: one scenario a run. The first argument names the part. */
import * as childProcess from 'node:child_process'
import { on, once } from 'node:events'
import * as fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import {
  isMainThread,
  MessageChannel,
  type MessagePort,
  parentPort,
  receiveMessageOnPort,
  SHARE_ENV,
  Worker,
  workerData,
} from 'node:worker_threads'
import { toolCall, turn } from '@turnlog/instrumentation'

const self = new URL(import.meta.url)
const script = self.pathname

/** A worker thread that plays `part`; it is up when it says so. */
async function startWorker(part: string, options: object = {}): Promise<Worker> {
  const worker = new Worker(self, { argv: [part], ...options })
  await once(worker, 'message')
  return worker
}

/** Posts a job, and waits for its answer. */
async function give(worker: Worker, job: object): Promise<void> {
  const id = Math.random()
  const done = new Promise<void>((resolve) => {
    worker.on('message', function hear(answer) {
      if (answer.done !== id) return
      worker.off('message', hear)
      resolve()
    })
  })
  worker.postMessage({ ...job, id })
  await done
}

const inCall = <T>(name: string, work: () => Promise<T>): Promise<T> =>
  turn({ prompt: name }, () => toolCall({ name, id: `id of ${name}` }, work))

interface Job {
  readonly file: string
  readonly id: number
  readonly waitMs?: number
  readonly port?: MessagePort
}

async function work({ file, waitMs }: Job): Promise<void> {
  fs.writeFileSync(file, 'begun')
  if (waitMs !== undefined) await sleep(waitMs)
  fs.writeFileSync(file, 'done')
}

const threads: Record<string, () => unknown> = {
  writes() {
    fs.writeFileSync(String(workerData ?? 'thread.txt'), 'x')
  },
  listens() {
    parentPort?.on('message', async (job: Job) => {
      job.port?.on('message', async (other: Job) => {
        await work(other)
        parentPort?.postMessage({ done: other.id })
      })
      await work(job)
      parentPort?.postMessage({ done: job.id })
    })
    parentPort?.postMessage('up')
  },
  /** As pools do: blocks until there is a job, and takes it without an event. */
  waits() {
    const { port, signal }: { port: MessagePort; signal: Int32Array } = workerData
    parentPort?.postMessage('up')
    for (;;) {
      Atomics.wait(signal, 0, 0)
      const job: Job | undefined = receiveMessageOnPort(port)?.message
      Atomics.store(signal, 0, 0)
      if (job === undefined) break
      fs.writeFileSync(job.file, 'x')
      parentPort?.postMessage({ done: job.id })
    }
  },
  /** Iterates over events, so that its jobs run in one context. */
  async iterates() {
    if (parentPort === null) return
    const port = parentPort
    setImmediate(() => port.postMessage('up'))
    for await (const [job] of on(port, 'message')) {
      await work(job)
      port.postMessage({ done: job.id })
    }
  },
  /** Never returns to its event loop. */
  'is busy'() {
    const signal = new Int32Array(workerData)
    for (let number = 0; number < 20; number += 1) fs.writeFileSync(`busy-${number}.txt`, 'x')
    Atomics.store(signal, 0, 1)
    Atomics.notify(signal, 0)
    for (;;) {
      // Until it is terminated.
    }
  },
  async 'makes another'() {
    await once(new Worker(self, { argv: ['writes'], workerData: 'deep.txt' }), 'exit')
    childProcess.execFileSync(process.execPath, [
      ...process.execArgv,
      script,
      'child writes',
      'of-thread.txt',
    ])
  },
}

const children: Record<string, () => unknown> = {
  'child writes'() {
    for (const file of process.argv.slice(3)) fs.writeFileSync(file, 'x')
  },
  'child makes another'() {
    fs.writeFileSync('child.txt', 'x')
    childProcess.execFileSync(process.execPath, [
      ...process.execArgv,
      script,
      'child writes',
      'grandchild.txt',
    ])
  },
  'child shows'() {
    const { TRACEPARENT, TURNLOG_OWNER } = process.env
    console.log(JSON.stringify({ TRACEPARENT, TURNLOG_OWNER }))
  },
  async 'child stays'() {
    fs.writeFileSync('in-time.txt', 'x')
    process.send?.('begun')
    await once(process, 'message')
    fs.writeFileSync('too-late.txt', 'x')
    process.disconnect()
  },
}

const node = (part: string, ...rest: string[]) => [...process.execArgv, script, part, ...rest]

const scenarios: Record<string, () => unknown> = {
  async 'made in a call'() {
    await inCall('makes', () => once(new Worker(self, { argv: ['writes'] }), 'exit'))
  },
  async 'made in a turn'() {
    await turn({ prompt: 'p' }, () => once(new Worker(self, { argv: ['writes'] }), 'exit'))
  },
  async posted() {
    const worker = await startWorker('listens')
    await give(worker, { file: 'before.txt' })
    await inCall('one', () => give(worker, { file: 'one.txt' }))
    await give(worker, { file: 'between.txt' })
    await inCall('two', () => give(worker, { file: 'two.txt' }))
    await worker.terminate()
  },
  async 'posted at once'() {
    const worker = await startWorker('listens')
    const jobs = ['one', 'two', 'three'].map((name, index) =>
      inCall(name, () => give(worker, { file: `${name}.txt`, waitMs: 60 - index * 20 })),
    )
    await Promise.all([...jobs, give(worker, { file: 'nobody.txt', waitMs: 5 })])
    await worker.terminate()
  },
  /** As a pool: one job at a time, and the end of a job wakes the queue, in the context of whoever was at work. */
  async queued() {
    const worker = await startWorker('listens')
    const queue: { file: string; id: number; done: () => void }[] = []
    let current: (typeof queue)[number] | undefined
    const next = (): void => {
      if (current !== undefined) return
      current = queue.shift()
      if (current !== undefined) worker.postMessage({ id: current.id, file: current.file })
    }
    worker.on('message', () => {
      current?.done()
      current = undefined
      next()
    })
    const asked = (name: string): Promise<void> => {
      const options = { name, id: name, arguments: { file: `${name}.txt` } }
      return turn({ prompt: name }, () =>
        toolCall(options, () => {
          const { promise, resolve } = Promise.withResolvers<void>()
          queue.push({ file: `${name}.txt`, id: queue.length, done: resolve })
          next()
          return promise
        }),
      )
    }
    await Promise.all(['one', 'two', 'three'].map(asked))
    await worker.terminate()
  },
  async 'posted before it is up'() {
    const worker = new Worker(self, { argv: ['listens'] })
    const jobs = ['one', 'two'].map((name) =>
      inCall(name, () => give(worker, { file: `${name}.txt` })),
    )
    await Promise.all(jobs)
    await worker.terminate()
  },
  async iterated() {
    const worker = await startWorker('iterates')
    await inCall('one', () => give(worker, { file: 'one.txt' }))
    await give(worker, { file: 'between.txt' })
    await inCall('two', () => give(worker, { file: 'two.txt' }))
    await worker.terminate()
  },
  async 'posted on a port'() {
    const worker = await startWorker('listens')
    const { port1, port2 } = new MessageChannel()
    await new Promise<void>((resolve) => {
      worker.once('message', () => resolve())
      worker.postMessage({ file: 'with-port.txt', id: 0, port: port2 }, [port2])
    })
    const post = async (job: object): Promise<void> => {
      port1.postMessage(job)
      await once(worker, 'message')
    }
    await inCall('one', () => post({ file: 'one.txt' }))
    await post({ file: 'between.txt' })
    await inCall('two', () => post({ file: 'two.txt' }))
    port1.close()
    await worker.terminate()
  },
  async 'taken without an event'() {
    const { port1, port2 } = new MessageChannel()
    const signal = new Int32Array(new SharedArrayBuffer(4))
    const worker = await startWorker('waits', {
      workerData: { port: port2, signal },
      transferList: [port2],
    })
    const post = async (job: object): Promise<void> => {
      port1.postMessage(job)
      Atomics.store(signal, 0, 1)
      Atomics.notify(signal, 0)
      await once(worker, 'message')
    }
    await inCall('one', () => post({ file: 'one.txt' }))
    await post({ file: 'between.txt' })
    await inCall('two', () => post({ file: 'two.txt' }))
    port1.close()
    await worker.terminate()
  },
  async terminated() {
    await inCall('ends', async () => {
      const memory = new SharedArrayBuffer(4)
      const worker = new Worker(self, { argv: ['is busy'], workerData: memory })
      await Atomics.waitAsync(new Int32Array(memory), 0, 0).value
      await worker.terminate()
    })
  },
  async 'ended while the app goes on'() {
    const memory = new SharedArrayBuffer(4)
    await inCall('ends', async () => {
      const worker = new Worker(self, { argv: ['is busy'], workerData: memory })
      await Atomics.waitAsync(new Int32Array(memory), 0, 0).value
      await worker.terminate()
      await once(childProcess.fork(self, ['child writes', 'fork.txt']), 'exit')
    })
    console.log('goes on')
    setInterval(() => undefined, 1_000)
  },
  async reported() {
    await inCall('compares', async () => {
      await once(childProcess.fork(self, ['child writes', 'fork.txt', 'fork-2.txt']), 'exit')
      await once(new Worker(self, { argv: ['writes'] }), 'exit')
      const children = `${process.env.TELEMETRY_SPOOL_DIRECTORY}/children`
      for (const turn of fs.readdirSync(children)) {
        console.log(fs.readFileSync(`${children}/${turn}/report.jsonl`, 'utf8'))
      }
    })
  },
  async 'of all kinds'() {
    const code = `require('node:fs').writeFileSync(process.argv[2], 'x')`
    await inCall('kinds', async () => {
      const made = [
        new Worker(code, { eval: true, argv: ['eval.txt'] }),
        new Worker(`/* strict */ 'use strict'\n${code}`, { eval: true, argv: ['strict.txt'] }),
        new Worker(`import fs from 'node:fs'\nfs.writeFileSync(process.argv[2], 'x')`, {
          eval: true,
          argv: ['module.txt'],
        }),
        new Worker(code, { eval: true, argv: ['bare.txt'], execArgv: [] }),
        new Worker(self, { argv: ['writes'], workerData: 'shared-env.txt', env: SHARE_ENV }),
        new Worker(self, { argv: ['writes'], workerData: 'own-env.txt', env: { HOME: '/' } }),
      ]
      for (const [code] of await Promise.all(made.map((each) => once(each, 'exit')))) {
        if (code !== 0) throw new Error(`exit ${code}`)
      }
    })
  },
  async deep() {
    await inCall('deep', async () => {
      await once(new Worker(self, { argv: ['makes another'] }), 'exit')
    })
  },
  async piscina() {
    const { Piscina } = await import('piscina')
    const filename = new URL('./pool-task.mjs', import.meta.url).href
    for (const atomics of ['sync', 'async', 'disabled'] as const) {
      const pool = new Piscina({ filename, minThreads: 2, maxThreads: 2, atomics })
      await pool.run({ file: `${atomics}-before.txt` })
      const jobs = ['a', 'b', 'c', 'd'].map((name) =>
        inCall(`${atomics} ${name}`, () =>
          pool.run({ file: `${atomics}-${name}.txt`, waitMs: 20 }),
        ),
      )
      await Promise.all([...jobs, pool.run({ file: `${atomics}-nobody.txt`, waitMs: 10 })])
      await pool.destroy()
    }
  },
  async children() {
    const { exec, execFile, execFileSync, execSync, fork, spawn, spawnSync } = childProcess
    const run = process.execPath
    await inCall('asynchronous', async () => {
      await once(fork(self, ['child writes', 'fork.txt']), 'exit')
      await once(spawn(run, node('child writes', 'spawn.txt')), 'exit')
      await promisify(execFile)(run, node('child writes', 'execFile.txt'))
      const words = node('child writes', 'exec.txt').map((word) => `'${word}'`)
      await promisify(exec)(`'${run}' ${words.join(' ')}`)
    })
    await inCall('synchronous', async () => {
      execFileSync(run, node('child writes', 'execFileSync.txt'))
      execFileSync(run, node('child writes', 'execFileSync-options.txt'), { stdio: 'pipe' })
      spawnSync(run, node('child writes', 'spawnSync.txt'), { env: { ...process.env, A: 'b' } })
      const words = node('child writes', 'execSync.txt').map((word) => `'${word}'`)
      execSync(`'${run}' ${words.join(' ')}`)
    })
    await once(fork(self, ['child writes', 'nobody.txt']), 'exit')
  },
  async 'child by NODE_OPTIONS'() {
    const preload = process.execArgv.join(' ').replace(/^--import[ =]/, '')
    const env = { ...process.env, NODE_OPTIONS: `--import ${preload}` }
    fs.mkdirSync('sub')
    await inCall('options', async () => {
      const child = childProcess.spawn(
        'sh',
        ['-c', `exec '${process.execPath}' '${script}' 'child writes' here.txt`],
        {
          env,
          cwd: 'sub',
        },
      )
      await once(child, 'exit')
    })
  },
  async grandchild() {
    await inCall('deep', () => once(childProcess.fork(self, ['child makes another']), 'exit'))
  },
  async 'stays too long'() {
    const child = await inCall('starts', async () => {
      const child = childProcess.fork(self, ['child stays'])
      await once(child, 'message')
      return child
    })
    child.send('go on')
    await once(child, 'exit')
  },
  async environment() {
    const show = (env?: NodeJS.ProcessEnv) =>
      childProcess.spawnSync(process.execPath, [script, 'child shows'], {
        encoding: 'utf8',
        ...(env === undefined ? {} : { env }),
      }).stdout
    const showLater = async (env?: NodeJS.ProcessEnv) => {
      const options = env === undefined ? {} : { env }
      const run = promisify(childProcess.execFile)
      return (await run(process.execPath, [script, 'child shows'], options)).stdout
    }
    const own = { ...process.env, TRACEPARENT: 'set by the host' }
    console.log('outside', JSON.stringify([show(), await showLater()]))
    await inCall('shows', async () => {
      console.log('inside', JSON.stringify([show(), await showLater()]))
      console.log('own', JSON.stringify([show(own), await showLater(own)]))
      const preloaded = childProcess.spawnSync(process.execPath, node('child shows'))
      console.log('preloaded', JSON.stringify([String(preloaded.stdout)]))
    })
  },
}

const name = process.argv[2] ?? ''
await (isMainThread ? (scenarios[name] ?? children[name]) : threads[name])?.()
