/**
 * Runs the app's callback in the turn or tool call that was opened for it, and reports how it ended. Returns what the
 * callback returns, throws what it throws.
 *
 * A promise is replaced by one with the same outcome: awaiting the app's promise beside the app would change whether a
 * rejection counts as handled. A generator stays the same object: the work is over when the generator returns, throws or
 * is closed, and each of its steps runs in the work's context, whoever takes its values. Any other value ends the work at
 * once.
 */
import { types } from 'node:util'

/** A turn or tool call that has begun and will end once. Only `run` throws: what `step` throws. */
export interface OpenWork<Face> {
  /** The object that the callback gets. */
  readonly face: Face
  /** Runs `step` in its async context. */
  run<Result>(step: () => Result): Result
  succeed(value: unknown): void
  fail(error: unknown): void
}

export function followWork<Face>(
  { face, run, succeed, fail }: OpenWork<Face>,
  work: (face: Face) => unknown,
): unknown {
  let result: unknown
  try {
    result = run(() => work(face))
  } catch (cause) {
    fail(cause)
    throw cause
  }
  if (types.isGeneratorObject(result)) {
    followGenerator(result, { run, succeed, fail })
    return result
  }
  if (isThenable(result)) {
    return whenSettled(Promise.resolve(result), succeed, fail)
  }
  succeed(result)
  return result
}

type Ends = Pick<OpenWork<unknown>, 'run' | 'succeed' | 'fail'>

/** Gives the generator its own `next`, `return` and `throw`, which loops, `yield*` and streams call. */
function followGenerator(generator: object, { run, succeed, fail }: Ends): void {
  const see = (step: unknown): void => {
    const { done, value } = step as IteratorResult<unknown>
    if (done === true) succeed(value)
  }
  for (const name of ['next', 'return', 'throw'] as const) {
    const original: unknown = Reflect.get(generator, name)
    if (typeof original !== 'function') continue
    const followed = (...values: unknown[]): unknown => {
      let step: unknown
      try {
        step = run(() => Reflect.apply(original, generator, values))
      } catch (cause) {
        fail(cause)
        throw cause
      }
      if (!types.isPromise(step)) {
        see(step)
        return step
      }
      return whenSettled(step, see, fail)
    }
    Object.defineProperty(generator, name, {
      value: followed,
      writable: true,
      configurable: true,
      enumerable: false,
    })
  }
}

/** A promise with the outcome of `promise`, settled after `succeed` or `fail` has been called. */
function whenSettled(
  promise: Promise<unknown>,
  succeed: (value: unknown) => void,
  fail: (error: unknown) => void,
): Promise<unknown> {
  return promise.then(
    (value) => {
      succeed(value)
      return value
    },
    (cause: unknown) => {
      fail(cause)
      throw cause
    },
  )
}

/** Whether `await` would treat it as a promise. A value whose `then` getter throws is not one until it is awaited. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  try {
    return typeof Reflect.get(value, 'then') === 'function'
  } catch {
    return false
  }
}
