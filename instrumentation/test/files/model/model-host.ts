/**
 * An app that runs sequences of steps. Writes to `TRUTH` what it did to the disk, a line of JSON at a time; a sequence's last
 * line counts. When it was killed, it goes on where the last line says.
 */
import * as fs from 'node:fs'
import fastify from 'fastify'
import { changesRoutes } from '../../../src/changes/routes.ts'
import { type Progress, type Sequence, SequenceRun } from './sequence-run.ts'

// The app has no server that keeps it alive.
setInterval(() => undefined, 60_000)
const file = process.env.TRUTH ?? ''
const lines = fs.readFileSync(file, 'utf8').split('\n').filter(Boolean)
const last: Progress | undefined = lines.map((line) => JSON.parse(line)).at(-1)
const truth = fs.openSync(file, 'a')
const save = (progress: Progress): void => void fs.writeSync(truth, `${JSON.stringify(progress)}\n`)
const app = fastify()
await app.register(changesRoutes)

const sequences: readonly Sequence[] = JSON.parse(
  fs.readFileSync(process.env.SEQUENCES ?? '', 'utf8'),
)
const reached = sequences.findIndex(({ seed }) => seed === last?.seed)
for (const sequence of sequences.slice(
  last?.isDone === true ? reached + 1 : Math.max(0, reached),
)) {
  const run = new SequenceRun(sequence, app, save)
  if (last?.seed === sequence.seed) run.resume(last)
  else run.begin()
  await run.run()
}
process.exit(0)
