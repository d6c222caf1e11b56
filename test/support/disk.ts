/** A disk that can be full. */
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import * as path from 'node:path'
import type { TestContext } from 'vitest'
import { temporaryFolder } from './example.ts'

export type TestDisk = ReturnType<typeof openDisk>

/** A file system in memory, until the end of the test, in a folder of its own or `at` an empty one. Needs root, and containers that allow it; else the test is skipped. */
export function mountDisk(
  { skip, onTestFinished }: Pick<TestContext, 'skip' | 'onTestFinished'>,
  mebibytes: number,
  at?: string,
): TestDisk {
  const folder = at === undefined ? temporaryFolder() : { path: at }
  const options = ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder.path]
  const mounted = spawnSync('mount', options, { encoding: 'utf8' })
  onTestFinished(() => {
    if (mounted.status === 0) spawnSync('umount', ['--lazy', folder.path])
    if (Symbol.dispose in folder) folder[Symbol.dispose]()
  })
  if (mounted.status !== 0) {
    skip(`no disk can be mounted here: ${mounted.stderr?.trim() || 'there is no mount'}`)
  }
  return openDisk(folder.path)
}

function openDisk(folder: string) {
  const other = path.join(folder, 'of-somebody-else')
  return {
    path: folder,
    /** Free bytes. */
    free(): number {
      const { bavail, bsize } = statfsSync(folder)
      return bavail * bsize
    },
    /** Writes a foreign file of this size; without a number, until the disk is full. */
    take(bytes = Number.POSITIVE_INFINITY): void {
      const file = openSync(other, 'a')
      const page = Buffer.alloc(4096)
      try {
        for (let taken = 0; taken < bytes; taken += page.length) writeSync(file, page)
      } catch (error) {
        const isFull = error instanceof Error && 'code' in error && error.code === 'ENOSPC'
        if (!isFull) throw error
      } finally {
        closeSync(file)
      }
    },
    /** Removes the foreign file. */
    giveBack: () => rmSync(other),
  }
}
