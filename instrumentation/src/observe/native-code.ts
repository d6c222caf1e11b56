/**
 * Which native code the process has loaded that may write files past `node:fs`: addons, seen when `process.dlopen` loads
 * them, and `node:sqlite`, found in Node's list of loaded modules when somebody asks. All threads of the process share the
 * answer. `node:sqlite` itself is never loaded here, since that prints a warning on the host's console.
 */
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads'
import { quietly } from '../health.ts'
import { type Method, replaceMethod } from './replace-method.ts'

/** `databases`: only SQLite databases. */
export type NativeWriter = 'databases' | 'any'

const sharedKey = 'turnlog native code'
/** The cells of the shared memory. Each is 1 once such code is loaded. */
const cell = { databases: 0, any: 1, harmless: 2 } as const
const cells = 3

/** Packages whose addons write SQLite databases, and nothing else. */
const ofDatabases = /[\\/](?:better-sqlite3|sqlite3|@libsql|libsql)[\\/]/
/**
 * Packages whose addons write no file that could be an app's: servers load them often, and with an unknown addon whatever
 * changes in a turn may be the addon's.
 */
const harmless =
  /[\\/](?:bufferutil|utf-8-validate|fsevents|@parcel[\\/]watcher[^\\/]*|node-pty|@lydell[\\/]node-pty[^\\/]*|@homebridge[\\/]node-pty[^\\/]*|cpu-features|ssh2|bcrypt|argon2|@node-rs[\\/](?:argon2|bcrypt|crc32|xxhash)[^\\/]*|@?msgpackr-extract[^\\/]*|cbor-extract|farmhash|re2|keytar|zeromq|@napi-rs[\\/]keyring[^\\/]*|lightningcss[^\\/]*|@swc[\\/]core[^\\/]*|@rollup[\\/]rollup[^\\/]*|@rolldown[\\/]binding[^\\/]*|@tailwindcss[\\/]oxide[^\\/]*|@unrs[\\/]resolver[^\\/]*|@datadog[\\/][^\\/]+|@sentry[\\/]profiling-node|@opentelemetry[\\/][^\\/]+)[\\/]/

/** What the addon in this file may write. */
export function kindOfAddon(file: string): NativeWriter | 'harmless' {
  if (ofDatabases.test(file)) return 'databases'
  return harmless.test(file) ? 'harmless' : 'any'
}

function sharedCells(): Int32Array {
  const known = getEnvironmentData(sharedKey)
  if (known instanceof SharedArrayBuffer) return new Int32Array(known)
  const shared = new SharedArrayBuffer(cells * Int32Array.BYTES_PER_ELEMENT)
  setEnvironmentData(sharedKey, shared)
  return new Int32Array(shared)
}

export class NativeCode {
  readonly #loaded = sharedCells()
  #modulesSeen = 0

  /** Shared by all threads of the process; not all 0: native code is loaded that may lock files. */
  get cells(): Int32Array {
    return this.#loaded
  }

  /** Begins to watch; the returned function undoes it. */
  observe(): () => void {
    const loaded = (file: unknown): void => {
      Atomics.store(this.#loaded, cell[kindOfAddon(String(file))], 1)
    }
    return replaceMethod(process, 'dlopen', (original): Method => {
      return function dlopen(...values) {
        // This comes before the load, since an addon may open files when it is loaded.
        quietly('see an addon', () => loaded(values[1]))
        return original.apply(this, values)
      }
    })
  }

  /** `undefined`: no loaded code can write files. */
  get writer(): NativeWriter | undefined {
    if (Atomics.load(this.#loaded, cell.any) !== 0) return 'any'
    if (Atomics.load(this.#loaded, cell.databases) === 0) this.#look()
    return Atomics.load(this.#loaded, cell.databases) === 0 ? undefined : 'databases'
  }

  #look(): void {
    const modules: unknown = Reflect.get(process, 'moduleLoadList')
    if (!Array.isArray(modules) || modules.length === this.#modulesSeen) return
    this.#modulesSeen = modules.length
    if (modules.includes('NativeModule sqlite')) Atomics.store(this.#loaded, cell.databases, 1)
  }
}
