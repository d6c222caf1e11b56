import { PostgresError } from '@turnlog/embedded-postgres/errors'

/** A failure that the user can understand and fix. Its message is printed without a stack. */
export class ExpectedError extends Error {}

/** The text to print: the message of an expected failure, the stack of any other. */
export function describeTrouble(error: unknown): string {
  if (error instanceof ExpectedError || error instanceof PostgresError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
