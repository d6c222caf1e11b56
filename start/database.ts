import { errorMessage } from '@turnlog/conventions/plain'
import { openEmbeddedPostgres } from '@turnlog/embedded-postgres'
import pg from 'pg'
import { ExpectedError } from './expected-error.ts'
import type { TurnlogOptions } from './options.ts'
import type { Part } from './part.ts'
import type { Settings } from './settings.ts'

const answersWithinMs = 10_000

/** It is the last to stop, so it may take what time is left. */
const stopsWithinMs = 9_000

export interface Database {
  readonly url: string
  /** As it may be printed: with the password of the embedded one, which is the user's own, and of no other. */
  readonly shownUrl: string
  /** The embedded one; a database that is not ours is not ours to stop. */
  readonly part: Part | undefined
}

/** The database, answering. Fails with one clear line. */
export async function openDatabase({
  settings,
  say,
  signal,
}: {
  settings: Settings
  say: TurnlogOptions['say']
  signal: AbortSignal
}): Promise<Database> {
  if (settings.databaseUrl !== undefined) return openOther(settings.databaseUrl)
  const postgres = await openEmbeddedPostgres({
    dataDirectory: settings.dataFolder,
    port: settings.postgresPort,
    log: say,
    signal,
  })
  return {
    url: postgres.url,
    shownUrl: postgres.url,
    part: {
      name: 'PostgreSQL',
      pid: postgres.pid,
      start: '',
      stopsWithinMs,
      exited: postgres.exited.then(({ code, signal: by }) => {
        if (by !== undefined) return `signal ${by}`
        return code === undefined ? 'nobody knows how' : `exit code ${code}`
      }),
      lastLines: postgres.lastLogLines,
      stop: ({ withinMs }) =>
        postgres.close({ withinMs }).then(
          () => true,
          () => false,
        ),
    },
  }
}

async function openOther(url: string): Promise<Database> {
  const shownUrl = withoutPassword(url)
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: answersWithinMs,
    query_timeout: answersWithinMs,
  })
  client.on('error', () => {}) // Once it has answered, what becomes of this connection is of no interest.
  try {
    await client.connect()
    await client.query('select 1')
  } catch (error) {
    throw new ExpectedError(
      `The database of DATABASE_URL (${shownUrl}) does not answer: ${errorMessage(error)}.`,
      { cause: error },
    )
  } finally {
    await client.end().catch(() => {})
  }
  return { url, shownUrl, part: undefined }
}

function withoutPassword(text: string): string {
  const url = new URL(text)
  url.password = ''
  for (const name of ['password', 'sslpassword']) url.searchParams.delete(name)
  return url.href
}
