/** The parts of `npm run collector` that need no process, and its build with a small program instead of Go. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import * as path from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Built, buildCollector } from '../collector/build.ts'
import { judgeGo } from '../collector/go.ts'
import { describeLogLine } from '../collector/log-line.ts'
import { queueBytesFor, roomOf, safeRoom } from '../collector/queue-room.ts'
import { temporaryFolder } from './support/example.ts'

test.each(['go1.26', 'go1.26.8', 'go1.27rc1', 'devel go1.28-abcdef', 'go2.0'])(
  '%s can build it',
  (version) => {
    expect(judgeGo(version)).toEqual({ status: 'ok' })
  },
)

test.each(['go1.25.9', 'go1.9', 'gccgo', '', undefined])(
  '%s cannot, and the line names the other ways',
  (version) => {
    expect(judgeGo(version)).toMatchObject({
      status: 'missing',
      reason: expect.stringMatching(
        /Go 1\.26 .*docker compose up collector.*TURNLOG_COLLECTOR_PROGRAM/,
      ),
    })
  },
)

const gibibyte = 1024 ** 3

test.each([
  ['a large disk', 500 * gibibyte, 3 * gibibyte, false],
  ['a small one', 8 * gibibyte, gibibyte, false],
  ['one that is nearly full', 0.1 * gibibyte, gibibyte / 16, true],
  ['one that is full', 0, gibibyte / 16, true],
])('on %s the queue holds what fits', (_name, room, bytes, isTooMuch) => {
  expect(queueBytesFor(room)).toBe(bytes)
  expect(safeRoom(bytes) > room).toBe(isTooMuch)
})

test('the space that the queue uses already counts as room for it', () => {
  using folder = temporaryFolder()
  const free = () => {
    const { bavail, bsize } = statfsSync(folder.path)
    return bavail * bsize
  }
  mkdirSync(path.join(folder.path, 'folder'))
  writeFileSync(path.join(folder.path, 'traces'), Buffer.alloc(64 * 1024 ** 2, 1), { flush: true })
  // Other programs use the disk, too, but not so much at that moment.
  expect(roomOf(folder.path) - free()).toBeGreaterThan(32 * 1024 ** 2)
})

const time = '2026-01-01T00:00:00.000Z'

test.each([
  [`${time}\tinfo\ta.go:1\tEverything is ready.\t{}`, undefined],
  [`${time}\tdebug\ta.go:1\tx\t{}`, undefined],
  ['', undefined],
  ['  ', undefined],
  [`${time}\twarn\ta.go:1\tMemory is low.\t{}`, 'Memory is low.'],
  [`${time}\terror\ta.go:1\tDropping data\t{"error":"401"}`, 'Dropping data: 401'],
  [`${time}\terror\ta.go:1\tDropping data\t{"error":`, 'Dropping data.'],
  [`${time}\terror\ta.go:1\tDropping data`, 'Dropping data.'],
  [`${time}\terror\ta.go:1\tDropping data\tnull`, 'Dropping data.'],
  ['Error: cannot start', 'Error: cannot start'],
])('of the log line %j a person is told %j', (line, told) => {
  expect(describeLogLine(line)).toBe(told)
})

/** A shell script in place of `go`; `version` and `run` are its subcommands. */
const working =
  'mkdir -p build; echo built >> "$COUNT"; sleep 0.2; echo program > build/turnlog-collector'

function openBuild(run = working) {
  const folder = temporaryFolder()
  onTestFinished(folder[Symbol.dispose])
  const count = path.join(folder.path, 'count')
  const cacheDirectory = path.join(folder.path, 'cache')
  const setRun = (script: string) => {
    const go = path.join(folder.path, 'go')
    writeFileSync(go, `#!/bin/sh\ncase "$1" in env) echo go1.26.8;; run) ${script};; esac\n`)
    chmodSync(go, 0o755)
  }
  setRun(run)
  return {
    cacheDirectory,
    setRun,
    builds: () => (existsSync(count) ? readFileSync(count, 'utf8').split('\n').length - 1 : 0),
    left: () => readdirSync(cacheDirectory).filter((name) => !name.endsWith('.lock')),
    async build(signal = new AbortController().signal): Promise<{ built: Built; said: string[] }> {
      const said: string[] = []
      const built = await buildCollector({
        cacheDirectory,
        environment: { PATH: `${folder.path}:${process.env.PATH}`, COUNT: count },
        say: (line) => said.push(line),
        signal,
      })
      return { built, said }
    },
  }
}

describe('building', () => {
  test('happens once; a later start uses the program from the cache, even without Go', async () => {
    const { build, builds, setRun, cacheDirectory } = openBuild()
    const first = await build()
    expect(first.said).toEqual([expect.stringContaining('Building the Collector, once')])
    if (first.built.status === 'failed') throw new Error(first.built.reason)
    expect(readFileSync(first.built.program, 'utf8')).toBe('program\n')
    expect(first.built.program.startsWith(cacheDirectory)).toBe(true)
    setRun('exit 1')
    expect(await build()).toEqual({ built: first.built, said: [] })
    expect(builds()).toBe(1)
  })

  test('happens once for two starts at the same time', async () => {
    const { build, builds, left } = openBuild()
    const [one, other] = await Promise.all([build(), build()])
    expect(one.built).toEqual(other.built)
    expect(one.built.status).toBe('built')
    expect(builds()).toBe(1)
    expect(left()).toHaveLength(1)
  })

  test('that fails shows the builder’s last lines, leaves no files, and is tried anew', async () => {
    const { build, left, setRun } = openBuild('echo first; echo "no route to proxy" >&2; exit 1')
    const { built } = await build()
    expect(built).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('no route to proxy'),
    })
    expect(left()).toEqual([])
    setRun(working)
    expect((await build()).built.status).toBe('built')
  })

  test('that is stopped kills its compilers, leaves no files, and is tried anew', async () => {
    const { build, builds, left, setRun } = openBuild('echo begun >> "$COUNT"; exec sleep 600')
    const stop = new AbortController()
    const stopped = expect(build(stop.signal)).rejects.toThrow()
    await expect.poll(builds).toBe(1)
    stop.abort()
    await stopped
    expect(left()).toEqual([])
    setRun(working)
    expect((await build()).built.status).toBe('built')
  })

  test('removes the files of a killed build', async () => {
    const { build, cacheDirectory, left } = openBuild()
    const { built } = await build()
    if (built.status === 'failed') throw new Error(built.reason)
    const folder = path.dirname(built.program)
    mkdirSync(`${folder}.killed`)
    rmSync(built.program)
    await build()
    expect(left()).toEqual([path.relative(cacheDirectory, folder)])
  })
})
