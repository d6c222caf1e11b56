/**
 * The folder of one destination, as one process works on it: its own recorder's segments and those of dead recorders
 * it has adopted. Recorders take turns, so that a new session is not stuck behind a long backlog; within one recorder
 * the oldest goes first.
 */
import * as path from 'node:path'
import { type FileSystem, makePrivateFolder } from '../file-system.ts'
import { accountOf, list, listSegments, type RecorderAccount } from './recorder-folder.ts'
import type { Signal } from './otlp-json.ts'

export interface SpooledSegment {
  readonly path: string
  readonly signal: Signal
  readonly bytes: number
  readonly folder: string
  readonly name: string
}

export type Spool = ReturnType<typeof openSpool>

export function openSpool(fileSystem: FileSystem) {
  const folders: string[] = []
  let current: SpooledSegment | undefined

  function find(): SpooledSegment | undefined {
    for (let turn = 0; turn < folders.length; turn += 1) {
      const folder = folders.shift()
      if (folder === undefined) return undefined
      folders.push(folder)
      const [oldest] = listSegments(fileSystem, folder)
      if (oldest === undefined) continue
      const file = path.join(folder, oldest.name)
      const bytes = fileSystem.statSync(file).size
      return { path: file, signal: oldest.signal, bytes, folder, name: oldest.name }
    }
    return undefined
  }

  return {
    /** Segments of this recorder's folder are sent from now on. */
    add(folder: string): void {
      if (!folders.includes(folder)) folders.push(folder)
    },
    /** The recorder's folder was emptied and is gone. */
    remove(folder: string): void {
      const index = folders.indexOf(folder)
      if (index !== -1) folders.splice(index, 1)
    },
    /** The segment to send next; the same one until it is acknowledged or set aside. */
    async next(): Promise<SpooledSegment | undefined> {
      current ??= find()
      return current
    },
    /** It has landed; what of it was rejected stands in the receiver's ledger. */
    async acknowledge(segment: SpooledSegment): Promise<void> {
      fileSystem.rmSync(segment.path, { force: true })
      current = undefined
    },
    /** The receiver will never take it: set aside whole, with the reason beside it. */
    async quarantine(segment: SpooledSegment, reason: string): Promise<void> {
      const quarantine = path.join(segment.folder, 'quarantine')
      makePrivateFolder(fileSystem, quarantine)
      fileSystem.writeFileSync(path.join(quarantine, `${segment.name}.reason`), `${reason}\n`, {
        mode: 0o600,
      })
      fileSystem.renameSync(segment.path, path.join(quarantine, segment.name))
      current = undefined
    },
    account: (folder: string): RecorderAccount => accountOf(fileSystem, folder),
    /** Whether nothing of the recorder is left to send or to look at. */
    isEmpty(folder: string): boolean {
      return (
        listSegments(fileSystem, folder).length === 0 &&
        !list(fileSystem, folder).some((name) => name.endsWith('.journal') || name === 'quarantine')
      )
    },
  }
}
