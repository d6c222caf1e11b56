/** `turnlog-receiver health`: whether the receiver of these settings answers, and its database does. */
import { parseArgs } from 'node:util'
import { baseUrlOf } from '../address.ts'
import type { Config } from '../config.ts'
import { TurnlogError } from '../errors.ts'

/** Longer than its own wait for a connection to the database, so that it is the receiver that says no. */
const answersWithinMs = 8_000

/** Returns what to print when all is well; throws a `TurnlogError` of one line when it is not. */
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
