import { errorCodes as postgresErrorCodes } from '@turnlog/embedded-postgres/errors'

/** Every error code of the receiver and of its embedded PostgreSQL. Codes are stable; messages are not. */
export const errorCodes = {
  ...postgresErrorCodes,
  TL_SETTING_INVALID: 'A setting has a value that cannot be used.',
  TL_DATABASE_UNREACHABLE: 'The database does not answer.',
  TL_POSTGRES_TOO_OLD: 'The PostgreSQL server is older than version 15.',
  TL_SCHEMA_NEWER: 'The database was migrated by a newer Turnlog.',
  TL_MIGRATION_FAILED: 'A migration failed; nothing of it was kept.',
  TL_NO_DATABASE: 'No database is named, and none is running in the data folder.',
  TL_ROLE_REFUSED: 'A database role cannot be made or changed.',
  TL_ARGUMENT_INVALID: 'A command cannot be read.',
  TL_UNHEALTHY: 'The receiver does not answer, or says that it cannot work.',
  TL_PART_ENDED: 'A part of Turnlog ended by itself.',
  TL_CLOCKS_DISAGREE: 'The clocks of the receiver and its database differ by more than a day.',
  TL_DATABASE_FULL: 'The database is larger than it may be.',
  TL_PURGE_BUSY: 'Some of what is to be purged is being read.',
  TL_STOPPED: 'It was told to stop before it had started.',
} as const

export type ErrorCode = keyof typeof errorCodes

/** An expected trouble: the message says what was expected and what was got, never a secret. */
export class TurnlogError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'TurnlogError'
    this.code = code
  }
}
