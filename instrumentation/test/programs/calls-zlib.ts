/** A thread that calls zlib without a pause, and counts in `calls` how many calls have begun and how many have returned. */
import { parentPort, workerData } from 'node:worker_threads'
import { gzipSync } from 'node:zlib'
import { beforeEnd, useThreadEnd } from '../../src/thread-end.ts'

const { end, calls }: { end: SharedArrayBuffer; calls: Int32Array } = workerData
useThreadEnd(end)
call()
parentPort?.postMessage('started')
for (;;) call()

function call(): void {
  beforeEnd(() => {
    Atomics.add(calls, 0, 1)
    gzipSync('a text')
    Atomics.add(calls, 1, 1)
  })
}
