/** `turnlog-receiver link`: creates a link that signs in one browser, once. */
import { parseArgs } from 'node:util'
import { baseUrlOf } from '../address.ts'
import type { Config } from '../config.ts'
import { readReceiverAddress } from '../storage/receiver-address.ts'
import { createSignInLink } from '../storage/sign-in.ts'
import { withDatabase } from './find-database.ts'

/** Returns the link. It leads to where the receiver of this database listens, whatever the port in this command's settings. */
export async function linkCommand(args: readonly string[], config: Config): Promise<string> {
  parseArgs({ args: [...args], options: {} })
  return withDatabase(config, async (database) => {
    const found = config.publicUrl ?? (await readReceiverAddress(database))
    return createSignInLink(database, { baseUrl: found ?? baseUrlOf(config) })
  })
}
