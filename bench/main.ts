/**
 * `npm run bench`: the cost of recording for the host, as a ratio to a peer in the same run. Each case is a separate process
 * that alternates with its peer for five rounds; a line has the median and the range. This is not a test.
 *
 * `npm run bench -- files` measures file operations instead (`files.ts`), `npm run bench -- turns` turns (`turns.ts`),
 * and `npm run bench -- exits` the end of a process (`exits.ts`); for the first two, a further argument is part of a case's name.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import { build } from '../packaging/build.ts'
import { benchExits } from './exits.ts'
import { benchFiles } from './files.ts'
import { median } from './parts.ts'
import { benchTurns } from './turns.ts'

const rounds = 5
const roundsOfExits = 15
const program = (name: string): string => path.join(import.meta.dirname, 'programs', name)

const preload = '@turnlog/instrumentation/register'

function run(
  file: string,
  environment: Readonly<Record<string, string>>,
  preload?: string,
): number {
  const spool = mkdtempSync(path.join(tmpdir(), 'turnlog-bench-'))
  try {
    const output = execFileSync(
      process.execPath,
      [...(preload === undefined ? [] : ['--import', preload]), file],
      {
        cwd: path.resolve(import.meta.dirname, '..'),
        env: { ...process.env, ...environment, TELEMETRY_SPOOL_DIRECTORY: spool },
        encoding: 'utf8',
      },
    )
    const figure: { readonly value: number } = JSON.parse(output)
    return figure.value
  } finally {
    rmSync(spool, { recursive: true, force: true })
  }
}

async function buildPreload(): Promise<string> {
  const folder = path.resolve(import.meta.dirname, '../instrumentation')
  await build(folder, JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')))
  return path.join(folder, 'dist/register.js')
}

function compare(name: string, unit: string, ours: () => number, peer: () => number): void {
  const ratios: number[] = []
  const own: number[] = []
  const others: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const other = peer()
    const value = ours()
    ratios.push(value / other)
    own.push(value)
    others.push(other)
  }
  const digits = (value: number): string => value.toPrecision(3)
  console.log(
    `${name} | ${digits(median(own))} ${unit} | ${digits(median(others))} ${unit} | ${digits(median(ratios))} (${digits(Math.min(...ratios))}–${digits(Math.max(...ratios))})`,
  )
}

if (process.argv[2] === 'files') {
  await benchFiles({ preload: await buildPreload(), rounds, only: process.argv[3] })
  process.exit(0)
}
if (process.argv[2] === 'exits') {
  await benchExits({ preload: await buildPreload(), rounds: roundsOfExits })
  process.exit(0)
}
if (process.argv[2] === 'turns') {
  await benchTurns({ preload: await buildPreload(), rounds, only: process.argv[3] })
  process.exit(0)
}

console.log('case | ours | peer | ratio, median (range)')
for (const bytes of ['1500', '20000', '200000']) {
  compare(
    `main-thread CPU of recording a span of ${bytes} bytes, against BatchSpanProcessor and the OTLP exporter`,
    'µs',
    () => run(program('record-spans.ts'), { BENCH_BYTES: bytes }, preload),
    () => run(program('export-spans.ts'), { BENCH_BYTES: bytes }),
  )
}
compare(
  'CPU of starting Node, against bare Node',
  'ms',
  () => run(program('starts.ts'), {}, preload),
  () => run(program('starts.ts'), {}),
)
const builtPreload = await buildPreload()
compare(
  'CPU of starting Node with the preload as it is published, against bare Node',
  'ms',
  () => run(program('starts.ts'), {}, builtPreload),
  () => run(program('starts.ts'), {}),
)
compare(
  'requests a second of a plain HTTP server, against the same without the preload',
  '/s',
  () => run(program('serves.ts'), {}, preload),
  () => run(program('serves.ts'), {}),
)
