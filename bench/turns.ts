/**
 * `npm run bench -- turns`: what recording turns costs the main thread of the example's agent, compared with the same agent without
 * the preload. A turn has five streamed model calls, whose requests have 200 KB of context, and three edits. All parts run: the
 * preload as it is published, sealing, the Changes store, and sending to a receiver that answers at once.
 *
 * A round runs both, in alternating order, each between two runs that make no turn but else do the same; the CPU of those is
 * subtracted. The figures are medians of the rounds, with the range.
 */
import * as path from 'node:path'
import { modelApis } from '../example/src/agent/models/model.ts'
import { baseUrlsAt } from '../example/src/scripted-model/addresses.ts'
import { startScriptedModel } from '../example/src/scripted-model/start.ts'
import { median, runProgram, startReceiver } from './parts.ts'

const program = path.join(import.meta.dirname, 'programs/makes-turns.ts')
const turns = 20
const callsOfTurn = 5
const contextBytes = 200_000

export interface TurnFigures {
  /** CPU of the main thread, in ms: of all turns, until everything is recorded and sent. */
  readonly mainMs: number
  /** The longest delay of the event loop in the turns, in ms. */
  readonly delayMaxMs: number
}

export interface TurnsBenchOptions {
  /** The built preload. */
  readonly preload: string
  readonly rounds: number
  /** Part of an API's name; default: all. */
  readonly only?: string | undefined
}

export async function benchTurns({ preload, rounds, only = '' }: TurnsBenchOptions): Promise<void> {
  const receiver = await startReceiver()
  const model = await startScriptedModel()
  console.log(
    'API, server or command line | main CPU of a model call: ours / without | added (range) | longest loop delay: ours / without',
  )
  const cases = modelApis.flatMap((api) =>
    ['server', 'command line'].map((way) => ({ api, way, name: `${api}, ${way}` })),
  )
  for (const { api, way, name } of cases.filter((each) => each.name.includes(only))) {
    const measure = (isOurs: boolean, count: number): Promise<TurnFigures> =>
      runProgram(program, isOurs ? preload : undefined, {
        TELEMETRY_ENDPOINT: receiver.url,
        BENCH_API: api,
        BENCH_WAY: way,
        BENCH_MODEL: baseUrlsAt(model.baseUrl)[api],
        BENCH_TURNS: String(count),
        BENCH_CONTEXT: String(contextBytes),
      })
    const [ours, peers]: [TurnFigures[], TurnFigures[]] = [[], []]
    for (let round = 0; round < rounds; round += 1) {
      for (const isOurs of round % 2 === 0 ? [true, false] : [false, true]) {
        const before = await measure(isOurs, 0)
        const figures = await measure(isOurs, turns)
        const after = await measure(isOurs, 0)
        const [list] = isOurs ? [ours] : [peers]
        list.push({ ...figures, mainMs: figures.mainMs - (before.mainMs + after.mainMs) / 2 })
      }
    }
    console.log(`${name} | ${cellsOf(ours, peers).join(' | ')}`)
  }
  receiver.close()
  await model.close()
}

function cellsOf(ours: readonly TurnFigures[], peers: readonly TurnFigures[]): string[] {
  const perCall = ({ mainMs }: TurnFigures): number => mainMs / turns / callsOfTurn
  const digits = (value: number): string => String(Number(value.toPrecision(2)))
  const added = ours.map((each, index) => perCall(each) - perCall(peers[index] ?? each))
  const delays = (all: readonly TurnFigures[]): string =>
    digits(median(all.map(({ delayMaxMs }) => delayMaxMs)))
  return [
    `${digits(median(ours.map(perCall)))} / ${digits(median(peers.map(perCall)))} ms`,
    `${digits(median(added))} ms (${digits(Math.min(...added))}–${digits(Math.max(...added))})`,
    `${delays(ours)} / ${delays(peers)} ms`,
  ]
}
