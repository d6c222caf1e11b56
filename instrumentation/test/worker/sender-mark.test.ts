/** The mark of a sender: it counts while its process lives, where its process id is valid. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { originalFs } from '../../src/file-system.ts'
import { SenderMark, senderMsMax } from '../../src/worker/sender-mark.ts'
import { makeWorkspace } from '../support/workspace.ts'

function openMark() {
  const workspace = makeWorkspace()
  const directory = workspace.folder
  const state = { ms: 0 }
  const now = (): number => Date.now() + state.ms
  return {
    mark: new SenderMark({ fileSystem: originalFs, directory, now }),
    file: path.join(directory, 'sender'),
    pass: (ms: number) => (state.ms += ms),
    [Symbol.dispose]: () => workspace[Symbol.dispose](),
  }
}

/** A process that lives until its scope ends. */
function startProcess() {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  const ended = once(child, 'exit')
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  return { pid: child.pid ?? 0, kill, [Symbol.asyncDispose]: kill }
}

test('a living process has the mark, and no other one gets it', async () => {
  using stage = openMark()
  await using sender = startProcess()
  expect(stage.mark.claim()).toBe(true)
  stage.mark.passTo(sender.pid)
  expect(stage.mark.claim()).toBe(false)
  stage.mark.release()
  expect(fs.existsSync(stage.file)).toBe(true)
  await sender.kill()
  expect(stage.mark.claim()).toBe(true)
  stage.mark.release()
  expect(fs.existsSync(stage.file)).toBe(false)
})

test('a mark that is older than a sender may become does not count', async () => {
  using stage = openMark()
  await using sender = startProcess()
  stage.mark.passTo(sender.pid)
  stage.pass(2 * senderMsMax)
  expect(stage.mark.claim()).toBe(true)
})

test('a mark of another machine, boot or container does not count', async () => {
  using stage = openMark()
  await using sender = startProcess()
  for (const place of ['host', 'boot', 'pidNamespace']) {
    stage.mark.passTo(sender.pid)
    const written = JSON.parse(fs.readFileSync(stage.file, 'utf8'))
    fs.writeFileSync(stage.file, JSON.stringify({ ...written, [place]: 'another' }))
    expect(stage.mark.claim()).toBe(true)
  }
})

test('a damaged mark does not count', () => {
  using stage = openMark()
  for (const damaged of ['', '{', '{"pid":"x"}', '[]']) {
    fs.writeFileSync(stage.file, damaged)
    expect(stage.mark.claim()).toBe(true)
    stage.mark.release()
  }
})

test('where the disk refuses, it throws', () => {
  using stage = openMark()
  fs.mkdirSync(stage.file)
  expect(() => stage.mark.claim()).toThrow()
})
