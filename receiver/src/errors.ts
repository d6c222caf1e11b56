import { errorCodes as postgresErrorCodes } from '@turnlog/embedded-postgres/errors'

/** Every error code of the receiver and of its embedded PostgreSQL. Codes are stable; messages are not. */
export const errorCodes = {
  ...postgresErrorCodes,
  TL_SETTING_INVALID: 'A setting has a value that cannot be used.',
  TL_DATABASE_UNREACHABLE: 'The database does not answer.',
  TL_POSTGRES_TOO_OLD: 'The PostgreSQL server is older than version 15.',
  TL_SCHEMA_NEWER: 'The database was migrated by a newer Turnlog.',
  TL_MIGRATION_FAILED: 'A migration failed; it changed nothing.',
  TL_NO_DATABASE: 'No database is configured, and none is running in the data folder.',
  TL_ROLE_REFUSED: 'A database role cannot be created or changed.',
  TL_ARGUMENT_INVALID: 'A command or one of its arguments is invalid.',
  TL_UNHEALTHY: 'The receiver does not answer, or reports that it does not work.',
  TL_PART_ENDED: 'A part of Turnlog ended unexpectedly.',
  TL_CLOCKS_DISAGREE: 'The clocks of the receiver and its database differ by more than a day.',
  TL_DATABASE_FULL: 'The database is larger than it may be.',
  TL_PURGE_BUSY: 'Some of the partitions to purge are in use.',
  TL_STOPPED: 'It was stopped before it had started.',
} as const

export type ErrorCode = keyof typeof errorCodes

/** An expected failure. The message has what was expected and what was found, and never a secret. */
export class TurnlogError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'TurnlogError'
    this.code = code
  }
}
