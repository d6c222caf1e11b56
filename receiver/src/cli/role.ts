/** `turnlog-receiver role create | drop`: database roles that can read the views, for clients such as Grafana. */
import { parseArgs } from 'node:util'
import type { Config } from '../config.ts'
import { createReportingRole, dropReportingRole } from '../storage/reporting-role.ts'
import { argumentError, onlyOne } from './arguments.ts'
import { withDatabase } from './find-database.ts'
import { newSecret, readSecretFile, writeSecretFile } from './secret.ts'

/** Returns the text for standard output. */
export async function roleCommand(args: readonly string[], config: Config): Promise<string> {
  const [verb, ...rest] = args
  switch (verb) {
    case 'create':
      return create(rest, config)
    case 'drop':
      return drop(rest, config)
    default:
      throw argumentError('Use `role create` or `role drop`. See `turnlog-receiver --help`.')
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
  const existing = file === undefined ? undefined : await readPassword(file)
  const password = existing ?? newSecret()
  await withDatabase(config, async (database) => {
    await createReportingRole(database, { name, password })
    if (file !== undefined && existing === undefined) await writeSecretFile(file, password)
  })
  if (file === undefined) return password
  return existing === undefined
    ? `Role '${name}' can read the views; its new password is in ${file}.`
    : `Role '${name}' can read the views, with the password from ${file}.`
}

async function drop(args: readonly string[], config: Config): Promise<string> {
  const { positionals } = parseArgs({ args: [...args], allowPositionals: true, options: {} })
  const name = parseName(positionals)
  const wasDropped = await withDatabase(config, (database) => dropReportingRole(database, { name }))
  if (wasDropped) return `Role '${name}' was dropped.`
  throw argumentError(`There is no role '${name}'.`)
}

function parseName(positionals: readonly string[]): string {
  const name = onlyOne(positionals, 'Give the name of one role.')
  if (/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/.test(name)) return name
  throw argumentError(
    `The name of a role has a-z, 0-9 and _ only, and does not begin with pg_; '${name}' is not such a name.`,
  )
}

async function readPassword(file: string): Promise<string | undefined> {
  const password = await readSecretFile(file)
  if (password === undefined || /^[\x21-\x7e]+$/.test(password)) return password
  throw argumentError(`The password in ${file} must be one word of ASCII characters.`)
}
