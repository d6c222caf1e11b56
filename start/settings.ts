import { homedir, userInfo } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

/** Every setting of `npm start`: its name, and what it has without being set. The only reader of the environment. */
export interface Settings {
  /** TURNLOG_RECEIVER_PORT */
  readonly receiverPort: number
  /** EXAMPLE_PORT */
  readonly examplePort: number
  /** TURNLOG_PG_PORT: absent, any free one that is then kept. */
  readonly postgresPort: number | undefined
  /** TURNLOG_DATA: absent, `turnlog` in the user's data directory. */
  readonly dataFolder: string
  /** TELEMETRY_SPOOL_DIRECTORY: absent, in the data folder. */
  readonly spoolFolder: string
  /** EXAMPLE_WORKSPACE, the agent's folder: absent, in the data folder. */
  readonly workspace: string
  /** DATABASE_URL: absent, the embedded PostgreSQL. */
  readonly databaseUrl: string | undefined
  /** TELEMETRY_USER_ID, for whom the example's token is: absent, who is logged in. */
  readonly user: string
}

export type ReadSettings =
  | { readonly status: 'ok'; readonly settings: Settings }
  | { readonly status: 'invalid'; readonly reason: string }

const receiverPortDefault = 4320
const examplePortDefault = 8000

/** An empty variable counts as absent. Paths are taken from the working directory. */
export function readSettings(environment: NodeJS.ProcessEnv): ReadSettings {
  const setting = (name: string) => environment[name]?.trim() || undefined
  const ports = {
    TURNLOG_RECEIVER_PORT: parsePort(setting('TURNLOG_RECEIVER_PORT'), receiverPortDefault),
    EXAMPLE_PORT: parsePort(setting('EXAMPLE_PORT'), examplePortDefault),
    TURNLOG_PG_PORT: parsePort(setting('TURNLOG_PG_PORT'), undefined),
  }
  const taken = new Map<number, string>()
  for (const [name, port] of Object.entries(ports)) {
    if (port === 'invalid') {
      return invalid(`${name} must be a port from 1 to 65535, not '${setting(name)}'.`)
    }
    if (port === undefined) continue
    const other = taken.get(port)
    if (other !== undefined) return invalid(`${other} and ${name} must differ: both are ${port}.`)
    taken.set(port, name)
  }
  const databaseUrl = setting('DATABASE_URL')
  if (databaseUrl !== undefined && !isPostgresUrl(databaseUrl)) {
    return invalid('DATABASE_URL must be an address such as postgresql://user:password@host/name.')
  }
  const dataFolder = resolve(setting('TURNLOG_DATA') ?? dataFolderDefault(environment))
  return {
    status: 'ok',
    settings: {
      receiverPort: Number(ports.TURNLOG_RECEIVER_PORT),
      examplePort: Number(ports.EXAMPLE_PORT),
      postgresPort: ports.TURNLOG_PG_PORT === 'invalid' ? undefined : ports.TURNLOG_PG_PORT,
      dataFolder,
      spoolFolder: resolve(setting('TELEMETRY_SPOOL_DIRECTORY') ?? join(dataFolder, 'spool')),
      workspace: resolve(setting('EXAMPLE_WORKSPACE') ?? join(dataFolder, 'workspace')),
      databaseUrl,
      user: setting('TELEMETRY_USER_ID') ?? userName(),
    },
  }
}

function invalid(reason: string): ReadSettings {
  return { status: 'invalid', reason }
}

function parsePort<Absent>(text: string | undefined, absent: Absent): number | Absent | 'invalid' {
  if (text === undefined) return absent
  const port = Number(text)
  return /^\d+$/.test(text) && port >= 1 && port <= 65_535 ? port : 'invalid'
}

function isPostgresUrl(text: string): boolean {
  return ['postgresql:', 'postgres:'].includes(URL.parse(text)?.protocol ?? '')
}

/** XDG Base Directory Specification: a path there that is not absolute is to be ignored. */
function dataFolderDefault(environment: NodeJS.ProcessEnv): string {
  const xdg = environment.XDG_DATA_HOME
  const base = xdg && isAbsolute(xdg) ? xdg : join(homedir(), '.local', 'share')
  return join(base, 'turnlog')
}

/** A user without an entry in the system's list, as containers run them, has a number only. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `user-${process.getuid?.() ?? 0}`
  }
}
