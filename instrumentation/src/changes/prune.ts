/**
 * Limits the store by age, number and bytes. The oldest operations are removed first, whole, with their decisions.
 *
 * A content is removed when no operation names it. References are found in the text of the operation, so that operations
 * of a newer schema keep theirs. A content touched within the last ten seconds stays, because another process may be about
 * to write the operation that names it. Files in `tmp/` are removed after ten minutes, and decisions without an operation
 * at the age limit.
 */

import { join } from 'node:path'
import { attempt, type FileSystem, removeFile } from '../file-system.ts'
import { parseOperationName } from './change.ts'

const defaults = {
  operationsMax: 1000,
  /** Contents and operations together. */
  bytesMax: 512 * 1024 ** 2,
  ageMs: 14 * 24 * 60 * 60 * 1000,
}

export type PruneLimits = Readonly<typeof defaults>

export interface PruneResult {
  readonly operationsRemoved: number
  readonly contentsRemoved: number
  /** Remaining. */
  readonly bytes: number
}

export interface PruneOptions extends Partial<PruneLimits> {
  readonly fileSystem: FileSystem
  readonly folders: Readonly<Record<'ops' | 'decisions' | 'contents' | 'tmp', string>>
  readonly now: number
}

const contentGraceMs = 10_000
const temporaryGraceMs = 10 * 60_000

interface File {
  readonly name: string
  readonly path: string
  readonly bytes: number
  readonly changedAtMs: number
}

/** Never throws: a file that cannot be read or removed stays until the next time. Reads every operation once. */
export function pruneStore(options: PruneOptions): PruneResult {
  const { fileSystem: fs, folders, now } = options
  const { operationsMax, bytesMax, ageMs } = { ...defaults, ...options }
  const contents = new Map(list(fs, folders.contents).map((file) => [file.name, file]))
  const operations = list(fs, folders.ops)
    .map((file) => ({ ...file, ...parseOperationName(file.name) }))
    .filter(({ opId }) => opId !== undefined)
    .sort((one, other) => (one.name < other.name ? 1 : -1))

  const used = new Set<string>()
  const leaving: typeof operations = []
  let bytes = 0
  let operationCount = 0
  for (const operation of operations) {
    const { startedAtMs = 0 } = operation
    const added = referencesOf(fs, operation).filter((name) => !used.has(name))
    const cost = added.reduce(
      (sum, name) => sum + (contents.get(name)?.bytes ?? 0),
      operation.bytes,
    )
    const isLeaving =
      leaving.length > 0 ||
      operationCount >= operationsMax ||
      startedAtMs < now - ageMs ||
      bytes + cost > bytesMax
    if (isLeaving) {
      leaving.push(operation)
    } else {
      bytes += cost
      operationCount += 1
      for (const name of added) used.add(name)
    }
  }

  const operationsRemoved = leaving.filter((file) => remove(fs, file.path)).length
  const unused = [...contents.values()].filter(
    ({ name, changedAtMs }) => !used.has(name) && changedAtMs < now - contentGraceMs,
  )
  const contentsRemoved = unused.filter((file) => remove(fs, file.path)).length
  for (const file of list(fs, folders.tmp)) {
    if (file.changedAtMs < now - temporaryGraceMs) remove(fs, file.path)
  }
  const idsOf = (files: typeof operations) => new Set(files.map(({ opId }) => opId))
  const [removed, known] = [idsOf(leaving), idsOf(operations)]
  for (const log of list(fs, folders.decisions)) {
    const opId = log.name.slice(0, 36)
    const isOrphan = !known.has(opId) && log.changedAtMs < now - ageMs
    if (removed.has(opId) || isOrphan) remove(fs, log.path)
  }
  return { operationsRemoved, contentsRemoved, bytes }
}

function referencesOf(fs: FileSystem, { path }: File): readonly string[] {
  const text = attempt(() => fs.readFileSync(path, 'utf8')) ?? ''
  return [...new Set([...text.matchAll(/sha256:([0-9a-f]{64})/g)].map((match) => match[1] ?? ''))]
}

function list(fs: FileSystem, folder: string): File[] {
  return (attempt(() => fs.readdirSync(folder)) ?? []).flatMap((name) => {
    const path = join(folder, name)
    const stat = attempt(() => fs.lstatSync(path))
    return stat?.isFile() ? [{ name, path, bytes: stat.size, changedAtMs: stat.mtimeMs }] : []
  })
}

/** True when the file does not exist any more, whoever removed it. */
function remove(fs: FileSystem, path: string): boolean {
  const step = (): true => {
    removeFile(fs, path)
    return true
  }
  return attempt(step) ?? false
}
