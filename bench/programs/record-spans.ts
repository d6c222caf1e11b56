/** Ours: runs under the preload, which writes spans to the journal. */
import { recordSpans } from './span-load.ts'

process.stdout.write(JSON.stringify({ value: await recordSpans() }))
