/** Every error code of this package. Codes are stable; messages are not. */
export const errorCodes = {
  TL_DATA_FOLDER: 'The data folder cannot be made or written.',
  TL_DATA_FOLDER_IN_USE: 'Another process is using this data folder.',
  TL_DISK_FULL: 'The disk is full.',
  TL_PORT_TAKEN: 'A port that is needed is taken by another process.',
  TL_POSTGRES_MISSING: 'There is no embedded PostgreSQL for this machine, or it cannot be run.',
  TL_POSTGRES_ACCOUNT: 'There is no user that PostgreSQL can run as.',
  TL_POSTGRES_VERSION: 'The cluster was made by another major version of PostgreSQL.',
  TL_POSTGRES_CLUSTER: 'The cluster cannot be used.',
  TL_POSTGRES_START: 'PostgreSQL did not start.',
  TL_POSTGRES_STOP: 'PostgreSQL did not stop.',
} as const

export type ErrorCode = keyof typeof errorCodes

/** An expected failure. Its message is one line for the user and holds no secret. */
export class PostgresError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'PostgresError'
    this.code = code
  }
}
