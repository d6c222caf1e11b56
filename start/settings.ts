/** All settings of `npm start`, and their only reader. Other variables are passed on to the receiver and the example. */
import { join, resolve } from 'node:path'
import { accountName } from '@turnlog/conventions/account'
import {
  optional,
  port,
  postgresUrl,
  readOrExplain,
  type SettingsOf,
  setting,
  text,
  xdgFolder,
} from '@turnlog/conventions/settings'

export const settings = {
  receiverPort: setting(port(), {
    env: 'TURNLOG_RECEIVER_PORT',
    default: 4320,
    doc: 'The port of the receiver, on 127.0.0.1.',
  }),
  examplePort: setting(port(), {
    env: 'EXAMPLE_PORT',
    default: 8000,
    doc: 'The port of the chat page, on 127.0.0.1.',
  }),
  postgresPort: optional(port(), {
    env: 'TURNLOG_PG_PORT',
    doc: 'The port of the embedded PostgreSQL. By default a free one, chosen at the first start.',
  }),
  dataFolder: optional(text, {
    env: 'TURNLOG_DATA',
    defaultDoc: '`turnlog` in the user’s data folder (XDG)',
    doc: 'The folder of the database, the spool and the workspace.',
  }),
  spoolFolder: optional(text, {
    env: 'TELEMETRY_SPOOL_DIRECTORY',
    defaultDoc: '`spool` in `TURNLOG_DATA`',
    doc: 'The folder in which the example’s records wait until they are sent.',
  }),
  workspace: optional(text, {
    env: 'EXAMPLE_WORKSPACE',
    defaultDoc: '`workspace` in `TURNLOG_DATA`',
    doc: 'The agent’s folder; `TELEMETRY_WORKSPACE` is set to it.',
  }),
  databaseUrl: optional(postgresUrl, {
    env: 'DATABASE_URL',
    doc: 'The address of a PostgreSQL. Without it one is started in the data folder.',
    isSecret: true,
  }),
  user: optional(text, {
    env: 'TELEMETRY_USER_ID',
    defaultDoc: 'the operating system’s user name',
    doc: 'The user to whom the example’s records belong.',
  }),
} as const

type Read = SettingsOf<typeof settings>

/** Folders are absolute. */
export interface Settings extends Omit<Read, 'dataFolder' | 'spoolFolder' | 'workspace' | 'user'> {
  readonly dataFolder: string
  readonly spoolFolder: string
  readonly workspace: string
  readonly user: string
}

/** Paths are relative to the working directory. */
export function readStartSettings(
  environment: NodeJS.ProcessEnv,
): { status: 'ok'; settings: Settings } | { status: 'invalid'; reason: string } {
  const ports = ['receiverPort', 'examplePort', 'postgresPort'] as const
  const outcome = readOrExplain(settings, environment, ports)
  if (outcome.status === 'invalid') return outcome
  const { read } = outcome
  const dataFolder = resolve(
    read.dataFolder ?? join(xdgFolder(environment, 'XDG_DATA_HOME'), 'turnlog'),
  )
  return {
    status: 'ok',
    settings: {
      ...read,
      dataFolder,
      spoolFolder: resolve(read.spoolFolder ?? join(dataFolder, 'spool')),
      workspace: resolve(read.workspace ?? join(dataFolder, 'workspace')),
      // A user without a name, as in containers, is named by number.
      user: read.user ?? accountName() ?? `user-${process.getuid?.() ?? 0}`,
    },
  }
}
