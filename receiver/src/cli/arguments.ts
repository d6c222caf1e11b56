/** The arguments of commands. */
import { TurnlogError } from '../errors.ts'

export function argumentError(message: string): TurnlogError {
  return new TurnlogError('TL_ARGUMENT_INVALID', message)
}

/** For a command that takes one argument; `message` asks for it. */
export function onlyOne([argument, ...others]: readonly string[], message: string): string {
  if (argument !== undefined && others.length === 0) return argument
  throw argumentError(message)
}
