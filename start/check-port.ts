import { describePortHolder, probePort } from '@turnlog/embedded-postgres/port'
import { ExpectedError } from './expected-error.ts'

/** Throws an `ExpectedError` that names the process on the port and the setting that chooses another. */
export async function checkPort(setting: string, port: number): Promise<void> {
  const state = await probePort(port)
  if (state === 'free') return
  const why =
    state === 'taken'
      ? `is taken by ${describePortHolder(port) ?? 'another process'}`
      : 'is not for ordinary users'
  throw new ExpectedError(`Port ${port} (${setting}) ${why}: set ${setting} to a free one.`)
}
