/** `turnlog-receiver role create | drop`: who may read the views with a database client, such as Grafana. */
import { parseArgs } from 'node:util'
import type { Config } from '../config.ts'
import { TurnlogError } from '../errors.ts'
import { createReportingRole, dropReportingRole } from '../storage/reporting-role.ts'
import { withDatabase } from './find-database.ts'
import { newSecret } from './secret.ts'
import { readSecretFile, writeSecretFile } from './secret-file.ts'

/** Returns what standard output is to hold. */
export async function roleCommand(args: readonly string[], config: Config): Promise<string> {
  const [verb, ...rest] = args
  switch (verb) {
    case 'create':
      return create(rest, config)
    case 'drop':
      return drop(rest, config)
    default:
      throw new TurnlogError(
        'TL_ARGUMENT_INVALID',
        'Say `role create` or `role drop`. See `turnlog-receiver --help`.',
      )
  }
}

async function create(args: readonly string[], config: Config): Promise<string> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { 'password-file': { type: 'string' } },
  })
  const name = parseName(positionals)
  const file = values['password-file']
  const kept = file === undefined ? undefined : await readPassword(file)
  const password = kept ?? newSecret()
  await withDatabase(config, async (database) => {
    await createReportingRole(database, { name, password })
    if (file !== undefined && kept === undefined) await writeSecretFile(file, password)
  })
  if (file === undefined) return password
  return kept === undefined
    ? `Role '${name}' may read; its password is in ${file}.`
    : `Role '${name}' may read, with the password that is in ${file}.`
}

async function drop(args: readonly string[], config: Config): Promise<string> {
  const { positionals } = parseArgs({ args: [...args], allowPositionals: true, options: {} })
  const name = parseName(positionals)
  const wasThere = await withDatabase(config, (database) => dropReportingRole(database, { name }))
  if (wasThere) return `Role '${name}' is gone.`
  throw new TurnlogError('TL_ARGUMENT_INVALID', `There is no role '${name}'.`)
}

function parseName([name, ...others]: readonly string[]): string {
  if (name === undefined || others.length > 0) {
    throw new TurnlogError('TL_ARGUMENT_INVALID', 'Say which role: one name.')
  }
  if (/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/.test(name)) return name
  throw new TurnlogError(
    'TL_ARGUMENT_INVALID',
    `A role is named with a-z, 0-9 and _, and not pg_…; '${name}' is not.`,
  )
}

async function readPassword(file: string): Promise<string | undefined> {
  const password = await readSecretFile(file)
  if (password === undefined || /^[\x21-\x7e]+$/.test(password)) return password
  throw new TurnlogError(
    'TL_ARGUMENT_INVALID',
    `The password in ${file} must be one word of ASCII characters.`,
  )
}
