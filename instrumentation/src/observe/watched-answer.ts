/** The answer of one exchange, searched for tool calls when somebody asks for them (`record/unread-answers.ts`), and at its end. */
import type { AnswerWatcher, ToolCallRequest } from '../models/model-api.ts'
import { unreadAnswers } from '../record/unread-answers.ts'

/** So much waits at most. */
const unreadBytesMax = 64 * 1024

export class WatchedAnswer {
  readonly watcher: AnswerWatcher
  readonly #begin: (requests: readonly ToolCallRequest[]) => void
  #unread: Buffer[] = []
  #unreadBytes = 0

  /** `begin` gets the tool calls that are complete. */
  constructor(watcher: AnswerWatcher, begin: (requests: readonly ToolCallRequest[]) => void) {
    this.watcher = watcher
    this.#begin = begin
  }

  received(chunk: Uint8Array): void {
    if (this.#unreadBytes === 0) unreadAnswers.add(this.#readForAsker)
    // A copy: the memory of a chunk belongs to the host.
    this.#unread.push(Buffer.from(chunk))
    this.#unreadBytes += chunk.byteLength
    if (this.#unreadBytes > unreadBytesMax) this.#read()
  }

  /** The answer has ended, perhaps too early. `isStopped`: the app reads no further, and may run the tools that it has seen. */
  ended({ isStopped }: { readonly isStopped: boolean }): void {
    if (this.#unreadBytes > 0) this.#read()
    if (isStopped) this.#begin(this.watcher.takeWhole())
    this.#begin(this.watcher.end())
  }

  /** Somebody may run a tool already. */
  readonly #readForAsker = (): void => {
    this.#read()
    this.#begin(this.watcher.takeWhole())
  }

  #read(): void {
    unreadAnswers.remove(this.#readForAsker)
    const bytes = Buffer.concat(this.#unread)
    this.#unread = []
    this.#unreadBytes = 0
    this.#begin(this.watcher.push(bytes))
  }
}
