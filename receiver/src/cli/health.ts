/** `turnlog-receiver health`: checks that the receiver with these settings and its database answer. */
import { parseArgs } from 'node:util'
import { baseUrlOf } from '../address.ts'
import type { Config } from '../config.ts'
import { TurnlogError } from '../errors.ts'

/** Longer than the receiver waits for its database, so that the receiver can report that the database does not answer. */
const answersWithinMs = 8_000

/** Returns the text to print when both answer; throws a `TurnlogError` of one line otherwise. */
export async function healthCommand(args: readonly string[], config: Config): Promise<string> {
  parseArgs({ args: [...args], options: {} })
  const url = `${baseUrlOf(config)}/api/v1/health/ready`
  let status: number
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(answersWithinMs) })
    await response.arrayBuffer()
    status = response.status
  } catch (cause) {
    throw new TurnlogError('TL_UNHEALTHY', `The receiver does not answer at ${url}.`, { cause })
  }
  if (status === 200) return 'ok'
  throw new TurnlogError('TL_UNHEALTHY', `The receiver answers ${status} at ${url}.`)
}
