/** Finds the database for commands: that of `DATABASE_URL`, or else the one that is running for the data folder. */
import { join } from 'node:path'
import { errorMessage } from '@turnlog/conventions/plain'
import {
  connectionFile,
  connectionUrl,
  readConnection,
} from '@turnlog/embedded-postgres/connection'
import type { Config } from '../config.ts'
import { TurnlogError } from '../errors.ts'
import { type Database, openDatabase, tableExists } from '../storage/database.ts'

/** Opens the database, and closes it after `work`. Throws a `TurnlogError` of one line when there is none, or it does not answer. */
export async function withDatabase<Result>(
  config: Pick<Config, 'databaseUrl' | 'dataFolder'>,
  work: (database: Database) => Promise<Result>,
): Promise<Result> {
  const database = openDatabase(config.databaseUrl ?? (await urlOfDataFolder(config.dataFolder)))
  try {
    await requireReceiver(database, config)
    return await work(database)
  } finally {
    await database.close()
  }
}

async function urlOfDataFolder(dataFolder: string): Promise<string> {
  const connection = await readConnection(join(dataFolder, connectionFile))
  if (connection !== undefined) return connectionUrl(connection)
  throw new TurnlogError(
    'TL_NO_DATABASE',
    `No database: DATABASE_URL is not set, and none is running in '${dataFolder}' (TURNLOG_DATA). Is \`npm start\` running?`,
  )
}

async function requireReceiver(
  database: Database,
  config: Pick<Config, 'databaseUrl' | 'dataFolder'>,
): Promise<void> {
  try {
    if (await tableExists(database, 'tokens')) return
  } catch (cause) {
    const where = config.databaseUrl === undefined ? `of '${config.dataFolder}'` : 'of DATABASE_URL'
    const hint = config.databaseUrl === undefined ? ' Is `npm start` running?' : ''
    throw new TurnlogError(
      'TL_DATABASE_UNREACHABLE',
      `The database ${where} does not answer: ${errorMessage(cause)}.${hint}`,
      { cause },
    )
  }
  throw new TurnlogError(
    'TL_NO_DATABASE',
    'The database has no Turnlog in it yet: start the receiver once.',
  )
}
