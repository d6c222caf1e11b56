/**
 * Runs the app's callback in what was opened for it, and says how it ended. What the callback returns or throws
 * goes on as it is.
 *
 * A promise is followed and its outcome passed on by a promise: awaiting the app's own beside the app would change
 * whether a rejection counts as handled. A generator is followed where it stands: it is over when it returns, throws or
 * is left, and runs in the work it belongs to, whoever takes its values. Any other value ends the work at once.
 */
import { types } from 'node:util'

/** Something that has begun and will end once; nothing of it throws, but what `step` throws. */
export interface OpenWork<Face> {
  /** What the callback is given. */
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
    return Promise.resolve(result).then(
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
  succeed(result)
  return result
}

type Ends = Pick<OpenWork<unknown>, 'run' | 'succeed' | 'fail'>

/** Its three ways on get own methods, which loops, `yield*` and streams call; the object stays itself. */
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
      return step.then(
        (value) => {
          see(value)
          return value
        },
        (cause: unknown) => {
          fail(cause)
          throw cause
        },
      )
    }
    Object.defineProperty(generator, name, {
      value: followed,
      writable: true,
      configurable: true,
      enumerable: false,
    })
  }
}

/** What `await` takes for a promise. Whose `then` throws is none, as long as nobody awaits it. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  try {
    return typeof Reflect.get(value, 'then') === 'function'
  } catch {
    return false
  }
}
