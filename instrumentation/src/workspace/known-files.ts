/** The last known state of each file, and its content, once that is read. */
import type { Content, Copies } from './copies.ts'
import { type FileStat, isRacy, isSame } from './file-stat.ts'
import type { OwnBefore } from './protocol.ts'

export interface IndexedFile {
  stat: FileStat
  /** `undefined` until it is read. */
  content: Content | undefined
  /** A change right after it was read could have left the same stat. */
  isRacy: boolean
  /** When it was last seen so, in milliseconds since 1970. */
  seenAt: number
}

/** No file has this number. */
const unseenIno = -1

export interface KnownFilesOptions {
  readonly copies: Pick<Copies, 'take' | 'keep' | 'release'>
  readonly now: () => number
}

export class KnownFiles {
  readonly #options: KnownFilesOptions
  readonly #files = new Map<string, IndexedFile>()
  #unread: string[] = []

  constructor(options: KnownFilesOptions) {
    this.#options = options
  }

  get unread(): number {
    return this.#unread.length
  }

  get paths(): Iterable<string> {
    return this.#files.keys()
  }

  /** The numbers on disk of the files that are known, and are not among these. */
  inosWithout(paths: { has(path: string): boolean }): Set<number> {
    const others = [...this.#files].filter(([path]) => !paths.has(path))
    return new Set(others.map(([, { stat }]) => stat.ino))
  }

  get(path: string): IndexedFile | undefined {
    return this.#files.get(path)
  }

  set(path: string, file: IndexedFile): void {
    this.#files.set(path, file)
  }

  /** Its content is read later. */
  setUnread(path: string, stat: FileStat): void {
    const seenAt = this.#options.now()
    this.#files.set(path, { stat, content: undefined, isRacy: false, seenAt })
    this.#unread.push(path)
  }

  /** The app has looked at the file, and found it so. */
  sawAgain(path: string, { stat, bytes, at }: OwnBefore): void {
    const file = this.#files.get(path)
    if (file === undefined) return
    file.seenAt = at
    if (bytes === undefined || stat === undefined || file.content !== undefined) return
    if (!isSame(file.stat, stat)) return
    file.content = this.#options.copies.keep(bytes)
    file.isRacy = isRacy(stat, at)
  }

  /** The file exists, and its content before the present one is not known. */
  setUnseen(path: string, stat: FileStat): void {
    const unseen = { ...stat, ino: unseenIno }
    this.#files.set(path, { stat: unseen, content: undefined, isRacy: false, seenAt: 0 })
  }

  delete(path: string): void {
    const content = this.#files.get(path)?.content
    if (content !== undefined) this.#options.copies.release(content)
    this.#files.delete(path)
  }

  /** Reads files whose content is not known, for `ms`, or until it is interrupted. */
  read(ms: number, isInterrupted: () => boolean): void {
    const { now, copies } = this.#options
    const until = now() + ms
    for (let path = this.#unread.pop(); path !== undefined; path = this.#unread.pop()) {
      const file = this.#files.get(path)
      if (file !== undefined && file.content === undefined) {
        const taken = copies.take(path, { expected: file.stat })
        if (taken !== undefined) {
          file.content = taken.content
          file.isRacy = isRacy(taken.stat, now())
        }
      }
      if (now() >= until || isInterrupted()) return
    }
  }

  /** The stat is the same; is the content? Looks only at files that were read right after they were written. */
  isRewritten(path: string, known: IndexedFile): boolean {
    const { copies, now } = this.#options
    const taken = copies.take(path, { expected: known.stat })
    if (taken === undefined) return true
    copies.release(taken.content)
    if (taken.content.sha256 !== known.content?.sha256) return known.content !== undefined
    known.isRacy = isRacy(taken.stat, now())
    return false
  }
}

export function isUnseen({ stat }: IndexedFile): boolean {
  return stat.ino === unseenIno
}
