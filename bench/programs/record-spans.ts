/** Under the preload: spans go to the journal. */
import { recordSpans } from './span-load.ts'

process.stdout.write(JSON.stringify({ value: await recordSpans() }))
