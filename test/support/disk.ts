/** A disk that can be full. */
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import * as path from 'node:path'
import type { TestContext } from 'vitest'
import { temporaryFolder } from './example.ts'

export type TestDisk = ReturnType<typeof openDisk>

/** In memory, until the test has ended: for root, and where containers allow it; elsewhere the test is skipped. */
export function mountDisk(
  { skip, onTestFinished }: Pick<TestContext, 'skip' | 'onTestFinished'>,
  mebibytes: number,
): TestDisk {
  const folder = temporaryFolder()
  const options = ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder.path]
  const mounted = spawnSync('mount', options, { encoding: 'utf8' })
  onTestFinished(() => {
    if (mounted.status === 0) spawnSync('umount', ['--lazy', folder.path])
    folder[Symbol.dispose]()
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
    /** Bytes that are left. */
    free(): number {
      const { bavail, bsize } = statfsSync(folder)
      return bavail * bsize
    },
    /** Somebody else writes that much; without a number, until nothing is left. */
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
    /** Somebody else removes what they had written. */
    giveBack: () => rmSync(other),
  }
}
