/** Disks that fail as a test decides, behind the seam of `file-system.ts`. */
import { type FileSystem, originalFs } from '../../src/file-system.ts'

/** The calls that change something on the disk. */
const changing: ReadonlySet<string> = new Set([
  'fdatasyncSync',
  'fsyncSync',
  'ftruncateSync',
  'linkSync',
  'mkdirSync',
  'renameSync',
  'rmdirSync',
  'unlinkSync',
  'writeFileSync',
  'writeSync',
])

export interface DiskCall {
  readonly name: keyof FileSystem
  readonly values: readonly unknown[]
  readonly changes: boolean
}

/** Without syncing: these tests simulate killed programs, not power cuts. */
export const quickDisk: FileSystem = {
  ...originalFs,
  fdatasyncSync: () => undefined,
  fsyncSync: () => undefined,
}

/** An error as Node throws it. */
export function diskError(code: string): Error {
  return Object.assign(new Error(`${code}: told to fail`), { code, syscall: 'write' })
}

/**
 * `before` is asked before each call. An error it returns is thrown; `'part'` makes a write take only half of what it is
 * given, and `'nothing'` none of it. A call that throws does nothing.
 */
export function faultyDisk(
  before: (call: DiskCall) => Error | 'part' | 'nothing' | undefined,
): FileSystem {
  const wrapped = Object.entries(quickDisk).map(([name, original]) => {
    const call = (...values: unknown[]): unknown => {
      const isOpening = name === 'openSync' && values[1] !== 'r'
      const verdict = before({
        name: name as keyof FileSystem,
        values,
        changes: changing.has(name) || isOpening,
      })
      if (verdict instanceof Error) throw verdict
      if (verdict === 'nothing' && name === 'writeSync') return 0
      if (verdict === 'part' && name === 'writeSync') {
        const [descriptor, bytes, offset, length] = values as [number, Uint8Array, number, number]
        return quickDisk.writeSync(descriptor, bytes, offset, Math.max(1, length >> 1))
      }
      return Reflect.apply(original, undefined, values)
    }
    return [name, call]
  })
  return Object.fromEntries(wrapped) as FileSystem
}

/** Carries out `allowed` changing calls; later ones change nothing, as after `kill -9`. */
export function killedAfter(allowed: number): FileSystem & { readonly wasKilled: () => boolean } {
  let left = allowed
  const disk = faultyDisk(({ changes, name }) => {
    // The kernel closes a dead process's files.
    if (name === 'closeSync') return undefined
    if (changes && left > 0) {
      left -= 1
      return undefined
    }
    return left > 0 ? undefined : changes ? diskError('KILLED') : undefined
  })
  return Object.assign(disk, { wasKilled: () => left <= 0 })
}

/** The `number`th changing call, counted from 1, fails with `code`; the others do not. */
export function failingAt(number: number, code: string) {
  let calls = 0
  let failed: string | undefined
  const disk = faultyDisk(({ changes, name }) => {
    if (!changes) return undefined
    calls += 1
    if (calls !== number) return undefined
    failed = name
    return diskError(code)
  })
  return { disk, failed: () => failed, calls: () => calls }
}

/** A disk that can be filled and freed. With `takesNames` a full disk still takes empty files, as most do. */
export function fullDisk({ takesNames = false } = {}) {
  let isFull = false
  const disk = faultyDisk(({ name, values }) => {
    const isName = name === 'mkdirSync' || (name === 'openSync' && values[1] !== 'r')
    const grows = name === 'writeSync' || name === 'writeFileSync' || (isName && !takesNames)
    return isFull && grows ? diskError('ENOSPC') : undefined
  })
  return {
    disk,
    fill: () => {
      isFull = true
    },
    free: () => {
      isFull = false
    },
  }
}
