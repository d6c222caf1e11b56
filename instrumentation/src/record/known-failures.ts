/**
 * Failures that a record of a turn tells of. What fails around it, such as the agent's loop and the app's own spans, says the
 * same again, often in a longer message.
 */
interface Told {
  readonly message?: string | undefined
}

/** Types of errors in an app's own code. `fetch` has one of them for errors of the network. */
const ofCode = /^(?:TypeError|ReferenceError|RangeError|SyntaxError|AssertionError|ERR_ASSERTION)$/
const ofNetwork = /fetch failed|terminated|network/i

/** Whether this may be what an SDK throws when its request has failed. */
export function mayPassOn({ type, message = '' }: Told & { readonly type: string }): boolean {
  return !ofCode.test(type) || ofNetwork.test(message)
}

/** So many of each owner are remembered. */
const failuresMax = 16

export class KnownFailures {
  readonly #messages = new WeakMap<object, string[]>()

  /** `owner`: the turn or request, or what stands for work outside of any. */
  add(owner: object, { message }: Told): void {
    if (message === undefined || message === '') return
    const known = this.#messages.get(owner) ?? []
    known.push(message)
    if (known.length > failuresMax) known.shift()
    this.#messages.set(owner, known)
  }

  /** Whether a failure with this message tells of a known one. */
  isToldBy(owner: object, { message }: Told): boolean {
    if (message === undefined) return false
    return this.#messages.get(owner)?.some((each) => message.includes(each)) === true
  }
}
