import { once } from 'node:events'
import { hostname } from 'node:os'
import { expect, test } from 'vitest'
import { originalFs } from '../../src/file-system.ts'
import { type Liveness, livenessOf, ownLiveness, parseLiveness } from '../../src/spool/liveness.ts'
import { startProgram } from '../support/observed-program.ts'
import { diskError, faultyDisk } from './faulty-disk.ts'
import { temporaryFolder } from './support.ts'

/** A real process, alive until the scope ends. */
async function startWaiting() {
  const program = startProgram('spool-waits.ts', { cwd: temporaryFolder() })
  const liveness = parseLiveness(JSON.parse(await program.line('alive')))
  if (liveness === undefined) throw new Error('no liveness')
  return { program, liveness, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() }
}

test('a running process is alive, also when it is stopped; a killed one is dead', async () => {
  await using other = await startWaiting()
  const { liveness, program } = other
  expect(livenessOf(liveness)).toBe('alive')
  program.child.kill('SIGSTOP')
  expect(livenessOf(liveness)).toBe('alive')
  program.child.kill('SIGKILL')
  await once(program.child, 'exit')
  expect(livenessOf(liveness)).toBe('dead')
})

test('this process is alive', () => {
  expect(livenessOf(ownLiveness())).toBe('alive')
})

test('another process with the same pid is not mistaken for the dead one', () => {
  expect(livenessOf({ ...ownLiveness(), processStart: '12345' })).toBe('dead')
})

test('a process of an earlier boot is dead, even if its pid is in use again', () => {
  expect(livenessOf({ ...ownLiveness(), boot: 'an-earlier-boot' })).toBe('dead')
})

const elsewhere: readonly (readonly [string, Partial<Liveness>])[] = [
  ['on another machine', { host: 'another-machine', boot: 'another-boot' }],
  ['in another pid namespace', { pidNamespace: 'pid:[1]' }],
  ['where its start could not be had', { processStart: '' }],
  ['where the boot could not be had', { boot: '' }],
]
test.each(elsewhere)('a process %s is not known to be dead', (_name, changes) => {
  expect(livenessOf({ ...ownLiveness(), ...changes })).toBe('unknown')
})

test('a process in another namespace is not known to be dead, even if its pid is free', () => {
  expect(livenessOf({ ...ownLiveness(), pid: 2 ** 22 - 1, pidNamespace: 'pid:[1]' })).toBe(
    'unknown',
  )
})

test('without a free file descriptor no process is known to be dead', () => {
  const own = ownLiveness()
  const disk = faultyDisk(({ name }) =>
    name === 'readFileSync' || name === 'readlinkSync' ? diskError('EMFILE') : undefined,
  )
  expect(livenessOf(own, disk)).toBe('unknown')
  expect(livenessOf({ ...own, boot: 'an-earlier-boot' }, disk)).toBe('unknown')
  const halfBlind = faultyDisk(({ name, values }) =>
    name === 'readFileSync' && String(values[0]).endsWith('/stat')
      ? diskError('EMFILE')
      : undefined,
  )
  expect(livenessOf(own, halfBlind)).toBe('unknown')
})

test.runIf(process.platform === 'linux')('a zombie is dead', () => {
  const own = ownLiveness()
  const disk = {
    ...originalFs,
    readFileSync: ((file: string, ...rest: never[]) => {
      const text = String(originalFs.readFileSync(file, ...rest))
      return file.endsWith('/stat') ? text.replace(/\) \w /, ') Z ') : text
    }) as typeof originalFs.readFileSync,
  }
  expect(livenessOf(own, disk)).toBe('dead')
})

test('a liveness that was written is read back; other values are not accepted', () => {
  const own = ownLiveness()
  expect(parseLiveness(JSON.parse(JSON.stringify(own)))).toEqual(own)
  expect(own.host).toBe(hostname())
  for (const wrong of [
    null,
    [],
    {},
    { ...own, pid: '1' },
    { ...own, pid: -1 },
    { ...own, boot: 5 },
  ]) {
    expect(parseLiveness(wrong)).toBeUndefined()
  }
})
