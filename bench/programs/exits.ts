/** Records something, prints its time, and exits at once. */
import { decide } from '../../instrumentation/src/index.ts'

const megabytes = Number(process.env.BENCH_MEGABYTES)
const used = Array.from({ length: megabytes }, () => Buffer.alloc(2 ** 20, 1))
await decide({ operationId: '1'.repeat(32), type: 'accept', source: 'user' })
process.stdout.write(`${performance.timeOrigin + performance.now() + 0 * used.length}\n`)
process.exit()
