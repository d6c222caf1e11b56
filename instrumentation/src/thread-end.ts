/**
 * Ends a thread of ours between two of its calls to zlib. Node makes a compressor in two steps, and aborts the whole process
 * if its thread is ended between them ("close before init" in node_zlib.cc; seen with Node 22, 24 and 26). An end comes at
 * the exit of the process, or by `terminate()`; the one who ends the thread asks first.
 */

/** The cells of the memory that both threads share. */
const asked = 0
const busy = 1
/** A call has long left the dangerous step by then: only its beginning is dangerous. */
const waitMsMax = 50

/** In a thread of ours: what it shares with the host's thread. In the host's threads there is none, and nothing to wait for. */
let ownEnd: Int32Array | undefined

/** For the host's thread, one for each thread that it starts. */
export function createThreadEnd(): SharedArrayBuffer {
  return new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)
}

/** In a thread of ours, when it starts. */
export function useThreadEnd(end: SharedArrayBuffer): void {
  ownEnd = new Int32Array(end)
}

/** Runs `call`, which uses zlib. A thread that was asked to end stops here for good, and waits to be ended. */
export function beforeEnd<Result>(call: () => Result): Result {
  if (ownEnd === undefined) return call()
  Atomics.store(ownEnd, busy, 1)
  if (Atomics.load(ownEnd, asked) === 1) {
    leave(ownEnd)
    Atomics.wait(ownEnd, asked, 1)
  }
  try {
    return call()
  } finally {
    leave(ownEnd)
  }
}

function leave(end: Int32Array): void {
  Atomics.store(end, busy, 0)
  Atomics.notify(end, busy)
}

/** In the host's thread, right before it ends the thread. Waits at most 50 ms. */
export function askToEnd(shared: SharedArrayBuffer): void {
  const end = new Int32Array(shared)
  Atomics.store(end, asked, 1)
  Atomics.wait(end, busy, 1, waitMsMax)
}
