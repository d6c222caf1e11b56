/** `turnlog-receiver secret`: writes a random password to a file, for programs that need it before the receiver runs. */
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { TurnlogError } from '../errors.ts'
import { readSecretFile, writeSecretFile } from './secret-file.ts'

const secretBytes = 24

/** URL-safe, so that it needs no escaping in an address, a shell or SQL. */
export function newSecret(): string {
  return randomBytes(secretBytes).toString('base64url')
}

/** Leaves a file that has a secret as it is. */
export async function secretCommand(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({ args: [...args], options: { 'write-to': { type: 'string' } } })
  const file = values['write-to']
  if (file === undefined) {
    throw new TurnlogError('TL_ARGUMENT_INVALID', 'Give a file: --write-to <file>.')
  }
  if ((await readSecretFile(file)) !== undefined) return `The secret in ${file} was kept.`
  await writeSecretFile(file, newSecret())
  return `A secret is in ${file}.`
}
