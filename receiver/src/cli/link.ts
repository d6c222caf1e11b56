/** `turnlog-receiver link`: creates a link that signs in one browser, once. */
import { parseArgs } from 'node:util'
import { baseUrlOf } from '../address.ts'
import type { Config } from '../config.ts'
import { createSignInLink } from '../storage/sign-in.ts'
import { withDatabase } from './find-database.ts'

/** Returns the link. */
export async function linkCommand(args: readonly string[], config: Config): Promise<string> {
  parseArgs({ args: [...args], options: {} })
  return withDatabase(config, (database) =>
    createSignInLink(database, { baseUrl: config.publicUrl ?? baseUrlOf(config) }),
  )
}
