/** A command, run to its end, as the process it is. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export const command = fileURLToPath(new URL('../../bin/turnlog-receiver', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly output: string
  readonly errors: string
}

/** With the environment of the tests, but for the settings of the receiver. */
export async function run(
  args: readonly string[],
  environment: Record<string, string>,
): Promise<Ended> {
  const rest = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(DATABASE_URL|TURNLOG_.*)$/.test(name)),
  )
  const child = spawn(process.execPath, [...args], { env: { ...rest, ...environment } })
  const output: string[] = []
  const errors: string[] = []
  child.stdout.on('data', (chunk) => output.push(String(chunk)))
  child.stderr.on('data', (chunk) => errors.push(String(chunk)))
  await once(child, 'close')
  return { code: child.exitCode, output: output.join(''), errors: errors.join('') }
}
