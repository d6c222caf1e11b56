/** Processes whose parent has ended, found with real ones. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { LeftProcesses } from '../../src/workspace/left-processes.ts'

/** A shell that runs the command, with the mark in its environment. */
function startShell(command: string, mark: string): ChildProcess {
  return spawn('sh', ['-c', command], { env: { ...process.env, MARK: mark } })
}

function follow() {
  const gone: number[] = []
  const left = new LeftProcesses({
    fileSystem: fs,
    ownPid: process.pid,
    onGone: (id) => gone.push(id),
  })
  onTestFinished(() => left.forget(1))
  return { left, gone }
}

test.runIf(process.platform === 'linux')(
  'a command in the background is followed until it has ended',
  async () => {
    const mark = randomUUID()
    const shell = startShell('sleep 600 >/dev/null 2>&1 & echo $!', mark)
    const [background] = await once(shell.stdout as NodeJS.ReadableStream, 'data')
    await once(shell, 'close')
    const { left, gone } = follow()
    expect(left.look(1, mark, shell.pid ?? 0)).toBe(true)
    expect(gone).toEqual([])
    process.kill(Number(background))
    await expect.poll(() => gone).toEqual([1])
  },
)

test('a child that lives, and what it has started, is not left behind', async () => {
  const mark = randomUUID()
  const shell = startShell('sleep 600 & echo; wait', mark)
  onTestFinished(() => void shell.kill())
  await once(shell.stdout as NodeJS.ReadableStream, 'data')
  expect(follow().left.look(1, mark, 0)).toBe(false)
})
