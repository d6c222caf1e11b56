import { errorMessage } from '@turnlog/conventions/plain'
import { openEmbeddedPostgres } from '@turnlog/embedded-postgres'
import pg from 'pg'
import { ExpectedError } from './expected-error.ts'
import type { TurnlogOptions } from './options.ts'
import type { Part } from './part.ts'
import type { Settings } from './settings.ts'

const answersWithinMs = 10_000

/** The database stops last, so it may use all the time that is left. */
const stopsWithinMs = 9_000

interface Database {
  readonly url: string
  /** For printing. Contains the password only for the embedded database, which belongs to this user. */
  readonly shownUrl: string
  /** Undefined for the database of `DATABASE_URL`, which we do not stop. */
  readonly part: Part | undefined
}

/** Returns once the database answers. Fails with a message of one line. */
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
        return code === undefined ? 'reason unknown' : `exit code ${code}`
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
  client.on('error', () => {}) // An error after the answer changes nothing: the connection is closed anyway.
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
