/** `turnlog-receiver token create | list | revoke`. */
import { parseArgs } from 'node:util'
import type { Config } from '../config.ts'
import { TurnlogError } from '../errors.ts'
import type { Database } from '../storage/database.ts'
import {
  createToken,
  findTokenHolder,
  listTokens,
  revokeToken,
  type TokenScope,
  tokenScopes,
} from '../storage/tokens.ts'
import { withDatabase } from './find-database.ts'
import { readSecretFile, writeSecretFile } from './secret-file.ts'
import { toTable } from './table.ts'

/** Returns what standard output is to hold. */
export async function tokenCommand(args: readonly string[], config: Config): Promise<string> {
  const [verb, ...rest] = args
  switch (verb) {
    case 'create':
      return create(rest, config)
    case 'list':
      parseArgs({ args: [...rest], options: {} })
      return list(config)
    case 'revoke':
      return revoke(rest, config)
    default:
      throw new TurnlogError(
        'TL_ARGUMENT_INVALID',
        'Say `token create`, `token list` or `token revoke`. See `turnlog-receiver --help`.',
      )
  }
}

async function create(args: readonly string[], config: Config): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      user: { type: 'string' },
      scope: { type: 'string', default: 'ingest' },
      'write-to': { type: 'string' },
    },
  })
  const user = values.user?.trim()
  if (user === undefined || user === '') {
    throw new TurnlogError('TL_ARGUMENT_INVALID', 'Say whose token it is: --user <name>.')
  }
  const scope = parseScope(values.scope)
  const file = values['write-to']
  return withDatabase(config, (database) =>
    file === undefined
      ? createToken(database, { user, scope })
      : keepToken(database, { user, scope, file }),
  )
}

/** A token for a program that reads it from a file: the one that is there, as long as it is good for this. */
async function keepToken(
  database: Database,
  {
    user,
    scope,
    file,
  }: { readonly user: string; readonly scope: TokenScope; readonly file: string },
): Promise<string> {
  const kept = await readSecretFile(file)
  const holder = kept === undefined ? undefined : await findTokenHolder(database, kept)
  if (holder?.userId === user && holder.scope === scope) {
    return `The token in ${file} is kept: it is for '${scope}' and ${user}.`
  }
  await writeSecretFile(file, await createToken(database, { user, scope }))
  return `A token for '${scope}' and ${user} is in ${file}.`
}

function parseScope(text: string): TokenScope {
  const scope = tokenScopes.find((known) => known === text)
  if (scope !== undefined) return scope
  throw new TurnlogError(
    'TL_ARGUMENT_INVALID',
    `--scope is one of ${tokenScopes.join(', ')}; '${text}' is not.`,
  )
}

async function list(config: Config): Promise<string> {
  const tokens = await withDatabase(config, listTokens)
  const rows = tokens.map(({ tokenId, userId, scope, createdAt, revokedAt }) => [
    tokenId,
    userId,
    scope,
    createdAt.toISOString(),
    revokedAt === null ? '' : `revoked ${revokedAt.toISOString()}`,
  ])
  return toTable([['ID', 'USER', 'SCOPE', 'CREATED', ''], ...rows])
}

async function revoke(args: readonly string[], config: Config): Promise<string> {
  const { positionals } = parseArgs({ args: [...args], allowPositionals: true, options: {} })
  const [token, ...others] = positionals
  if (token === undefined || others.length > 0) {
    throw new TurnlogError('TL_ARGUMENT_INVALID', 'Say which: `token revoke <id or token>`.')
  }
  const wasRevoked = await withDatabase(config, (database) => revokeToken(database, token))
  if (wasRevoked) return 'Revoked: it lands nothing from now on.'
  throw new TurnlogError('TL_ARGUMENT_INVALID', 'There is no such token, or it was revoked before.')
}
