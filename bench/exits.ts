/**
 * `npm run bench -- exits`: how long a process takes from its last statement to its end, as the one that has started it sees it:
 * without the preload, with the preload, and with the process that sends what is left. They alternate; each is run when the
 * sender of the one before has ended. The figures are medians of the rounds, with the range.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { median, startReceiver } from './parts.ts'

const program = path.join(import.meta.dirname, 'programs/exits.ts')
const kinds = ['without', 'recorded', 'sender'] as const

export interface ExitsBenchOptions {
  /** The built preload. */
  readonly preload: string
  readonly rounds: number
}

export async function benchExits({ preload, rounds }: ExitsBenchOptions): Promise<void> {
  const receiver = await startReceiver()
  console.log('memory | without the preload | with it, TELEMETRY_SEND_AFTER_EXIT=0 | with a sender')
  for (const megabytes of [0, 100, 500]) {
    const times: Record<(typeof kinds)[number], number[]> = {
      without: [],
      recorded: [],
      sender: [],
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const kind of kinds) {
        times[kind].push(
          await exitMs(kind === 'without' ? undefined : preload, {
            BENCH_MEGABYTES: String(megabytes),
            TELEMETRY_ENDPOINT: receiver.url,
            TELEMETRY_SEND_AFTER_EXIT: kind === 'sender' ? '1' : '0',
          }),
        )
      }
    }
    console.log([`${megabytes} MB`, ...kinds.map((kind) => cellOf(times[kind]))].join(' | '))
  }
  receiver.close()
}

async function exitMs(
  preload: string | undefined,
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const home = mkdtempSync(path.join(tmpdir(), 'turnlog-bench-'))
  const spool = path.join(home, 'spool')
  const child = spawn(
    process.execPath,
    [...(preload === undefined ? [] : ['--import', preload]), program],
    {
      env: { PATH: process.env.PATH, HOME: home, TELEMETRY_SPOOL_DIRECTORY: spool, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text))
  await once(child, 'exit')
  const endedAt = performance.timeOrigin + performance.now()
  if (!child.stdout.readableEnded) await once(child.stdout, 'end')
  const isSent = environment.TELEMETRY_SEND_AFTER_EXIT === '1' && preload !== undefined
  while (
    isSent &&
    readdirSync(spool, { recursive: true }).some((name) => /sender$/.test(`${name}`))
  ) {
    await sleep(20)
  }
  rmSync(home, { recursive: true, force: true })
  return endedAt - Number(printed)
}

function cellOf(values: readonly number[]): string {
  const digits = (value: number): string => value.toFixed(1)
  const range = `${digits(Math.min(...values))}–${digits(Math.max(...values))}`
  return `${digits(median(values))} ms (${range})`
}
