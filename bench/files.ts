/**
 * `npm run bench -- files`: what recording file operations costs the app, compared with the same program without the preload.
 * All parts run: the preload as it is published, sealing, the Changes store, and sending to a receiver that answers at once.
 *
 * A round runs both programs, in alternating order, each between two runs that change nothing; the CPU of those two is
 * subtracted. The figures are medians of the rounds, with the range of the ratios.
 */
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import { pathToFileURL } from 'node:url'
import { median, runProgram, startReceiver } from './parts.ts'

const program = path.join(import.meta.dirname, 'programs/changes-files.js')

/** The cost of one run, from its start until everything is recorded and sent. */
export interface FileFigures {
  /** CPU of the main thread, in ms. */
  readonly mainMs: number
  /** CPU of the whole process, in ms. */
  readonly processMs: number
  /** From the first change to the last. */
  readonly wallMs: number
  /** Delays of the event loop during the run. */
  readonly delayP99Ms: number
  readonly delayMaxMs: number
  readonly memoryBytes: number
}

interface Case {
  readonly name: string
  readonly id: string
  /** How many files the workspace has before the case. */
  readonly files: number
}

const cases: readonly Case[] = [
  { name: '1 000 writes of 1 KB', id: 'writes-small', files: 0 },
  { name: '20 writes of 1 MB', id: 'writes-large', files: 0 },
  { name: 'a stream of 100 MB', id: 'stream', files: 0 },
  { name: '5 shell tool calls, 1 000 files', id: 'shell', files: 1_000 },
  { name: '5 shell tool calls, 10 000 files', id: 'shell', files: 10_000 },
  { name: '5 shell tool calls, 100 000 files', id: 'shell', files: 100_000 },
  { name: 'git checkout of 5 000 files, there and back', id: 'checkout', files: 5_000 },
  { name: 'a formatter over 2 000 files', id: 'formatter', files: 2_000 },
  { name: '20 000 files in node_modules', id: 'packages', files: 1_000 },
]

export interface FilesBenchOptions {
  /** The built preload. */
  readonly preload: string
  readonly rounds: number
  /** Part of a case's name; default: all cases. */
  readonly only?: string | undefined
}

export async function benchFiles({ preload, rounds, only = '' }: FilesBenchOptions): Promise<void> {
  const receiver = await startReceiver()
  const api = pathToFileURL(path.join(path.dirname(preload), 'index.js')).href
  console.log(
    'case | main CPU | process CPU | time | loop delay p99 | max | memory: each ours / without, ratio (range)',
  )
  const empty = makeFolder(0)
  for (const each of cases.filter(({ name }) => name.includes(only))) {
    const folder = makeFolder(each.files)
    if (each.id === 'checkout') makeBranches(folder)
    const measure = (id: string, isOurs: boolean): Promise<FileFigures> =>
      // A run that changes nothing has an empty workspace, so looking at a large one is a cost of the case.
      run(id, {
        folder: id === 'nothing' ? empty : folder,
        preload: isOurs ? preload : undefined,
        endpoint: receiver.url,
        api,
      })
    const [ours, peers]: [FileFigures[], FileFigures[]] = [[], []]
    for (let round = 0; round < rounds; round += 1) {
      for (const isOurs of round % 2 === 0 ? [true, false] : [false, true]) {
        const before = await measure('nothing', isOurs)
        const figures = await measure(each.id, isOurs)
        const after = await measure('nothing', isOurs)
        const [list] = isOurs ? [ours] : [peers]
        list.push(withoutNothing(figures, [before, after]))
      }
    }
    console.log([each.name, ...columns.map((column) => cellOf(column, ours, peers))].join(' | '))
    rmSync(folder, { recursive: true, force: true })
  }
  rmSync(empty, { recursive: true, force: true })
  receiver.close()
}

function withoutNothing(figures: FileFigures, brackets: readonly FileFigures[]): FileFigures {
  const mean = (pick: (each: FileFigures) => number): number =>
    brackets.reduce((sum, each) => sum + pick(each), 0) / brackets.length
  return {
    ...figures,
    mainMs: figures.mainMs - mean(({ mainMs }) => mainMs),
    processMs: figures.processMs - mean(({ processMs }) => processMs),
  }
}

interface Column {
  readonly pick: (figures: FileFigures) => number
  readonly unit: string
}

const columns: readonly Column[] = [
  { pick: ({ mainMs }) => mainMs, unit: 'ms' },
  { pick: ({ processMs }) => processMs, unit: 'ms' },
  { pick: ({ wallMs }) => wallMs, unit: 'ms' },
  { pick: ({ delayP99Ms }) => delayP99Ms, unit: 'ms' },
  { pick: ({ delayMaxMs }) => delayMaxMs, unit: 'ms' },
  { pick: ({ memoryBytes }) => memoryBytes / 1024 ** 2, unit: 'MiB' },
]

function cellOf(
  { pick, unit }: Column,
  ours: readonly FileFigures[],
  peers: readonly FileFigures[],
): string {
  const ratios = ours.map((each, index) => pick(each) / pick(peers[index] ?? each))
  const digits = (value: number): string => String(Number(value.toPrecision(2)))
  const own = median(ours.map(pick))
  const other = median(peers.map(pick))
  return `${digits(own)} / ${digits(other)} ${unit}, ${digits(median(ratios))} (${digits(Math.min(...ratios))}–${digits(Math.max(...ratios))})`
}

interface RunOptions {
  readonly folder: string
  readonly preload: string | undefined
  readonly endpoint: string
  readonly api: string
}

function run(id: string, { folder, preload, endpoint, api }: RunOptions): Promise<FileFigures> {
  return runProgram(program, preload, {
    TELEMETRY_WORKSPACE: folder,
    TELEMETRY_ENDPOINT: endpoint,
    BENCH_API: api,
    BENCH_CASE: id,
    BENCH_FOLDER: folder,
  })
}

/** A workspace of small files, a hundred in a folder. */
function makeFolder(files: number): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'turnlog-bench-files-'))
  for (let index = 0; index < Math.max(files, 1); index += 1) {
    const inside = path.join(folder, String(Math.floor(index / 100)))
    if (index % 100 === 0) mkdirSync(inside)
    writeFileSync(path.join(inside, `${index % 100}.txt`), `file ${index}\n`)
  }
  return folder
}

/** A second branch in which every file is different. */
function makeBranches(folder: string): void {
  const git = (...args: string[]): void =>
    void execFileSync('git', ['-c', 'user.name=bench', '-c', 'user.email=bench', ...args], {
      cwd: folder,
    })
  git('init', '--quiet', '--initial-branch', 'main')
  git('add', '.')
  git('commit', '--quiet', '--message', 'main')
  git('checkout', '--quiet', '-b', 'other')
  for (const inside of readdirSync(folder).filter((name) => name !== '.git')) {
    for (const name of readdirSync(path.join(folder, inside))) {
      appendFileSync(path.join(folder, inside, name), 'other\n')
    }
  }
  git('commit', '--quiet', '--all', '--message', 'other')
  git('checkout', '--quiet', 'main')
}
