import { whyUnusable } from '@turnlog/embedded-postgres/port'
import { ExpectedError } from './expected-error.ts'

/** Rejects with an `ExpectedError` that names the process on the port and the setting that chooses another port. */
export async function checkPort(setting: string, port: number): Promise<void> {
  const why = await whyUnusable(port)
  if (why === undefined) return
  throw new ExpectedError(`Port ${port} (${setting}) ${why}: set ${setting} to a free one.`)
}
