/** Says how its liveness can be proven, and waits to be killed. */
import { ownLiveness } from '../../src/spool/liveness.ts'

process.stdout.write(`alive ${JSON.stringify(ownLiveness())}\n`)
setInterval(() => undefined, 60_000)
