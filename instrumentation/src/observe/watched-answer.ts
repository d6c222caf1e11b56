/** The answer of one exchange, searched for tool calls when somebody asks for them (`record/unread-answers.ts`), and at its end. */
import type { AnswerWatcher, ToolCallRequest } from '../models/model-api.ts'
import { unreadAnswers } from '../record/unread-answers.ts'

/** So much waits at most. */
const unreadBytesMax = 64 * 1024

/** `at`: when they were complete, in milliseconds since 1970. */
type BeginTools = (requests: readonly ToolCallRequest[], at: number) => void

export class WatchedAnswer {
  readonly watcher: AnswerWatcher
  readonly #begin: BeginTools
  readonly #now: () => number
  #unread: { readonly bytes: Buffer; readonly at: number }[] = []
  #unreadBytes = 0

  /** `begin` gets the tool calls that are complete. `now`: milliseconds since 1970. */
  constructor(
    watcher: AnswerWatcher,
    { begin, now }: { readonly begin: BeginTools; readonly now: () => number },
  ) {
    this.watcher = watcher
    this.#begin = begin
    this.#now = now
  }

  received(chunk: Uint8Array): void {
    if (this.#unreadBytes === 0) unreadAnswers.add(this.#readForAsker)
    // A copy: the memory of a chunk belongs to the host.
    this.#unread.push({ bytes: Buffer.from(chunk), at: this.#now() })
    this.#unreadBytes += chunk.byteLength
    if (this.#unreadBytes > unreadBytesMax) this.#read()
  }

  /** The answer has ended, perhaps too early. `isStopped`: the app reads no further, and may run the tools that it has seen. */
  ended({ isStopped }: { readonly isStopped: boolean }): void {
    if (this.#unreadBytes > 0) this.#read()
    const at = this.#now()
    if (isStopped) this.#begin(this.watcher.takeWhole(), at)
    this.#begin(this.watcher.end(), at)
  }

  /** Somebody may run a tool already. */
  readonly #readForAsker = (): void => {
    this.#read()
    this.#begin(this.watcher.takeWhole(), this.#now())
  }

  #read(): void {
    unreadAnswers.remove(this.#readForAsker)
    const unread = this.#unread
    this.#unread = []
    this.#unreadBytes = 0
    for (const { bytes, at } of unread) this.#begin(this.watcher.push(bytes), at)
  }
}
