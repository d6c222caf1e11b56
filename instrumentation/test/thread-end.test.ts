/** A thread of ours is ended between two of its calls to zlib, never within one. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { askToEnd, createThreadEnd } from '../src/thread-end.ts'

const begun = 0
const returned = 1

test('a thread that was asked to end has returned from its call, and begins no other', async () => {
  for (let round = 0; round < 10; round += 1) {
    const end = createThreadEnd()
    const calls = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT))
    const thread = new Worker(new URL('./programs/calls-zlib.ts', import.meta.url), {
      workerData: { end, calls },
    })
    await once(thread, 'message')

    askToEnd(end)
    const then = [...calls]
    expect(then[begun]).toBe(then[returned])
    expect(then[begun]).toBeGreaterThan(0)

    await thread.terminate()
    expect([...calls]).toEqual(then)
  }
})

test('nobody waits for a thread that is not in a call', () => {
  expect(askToEnd(createThreadEnd())).toBe(undefined)
})
