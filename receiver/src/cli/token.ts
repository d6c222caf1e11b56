/** `turnlog-receiver token create | list | revoke`. */
import { parseArgs } from 'node:util'
import type { Config } from '../config.ts'
import type { Database } from '../storage/database.ts'
import {
  createToken,
  findTokenHolder,
  listTokens,
  revokeToken,
  type TokenScope,
  tokenScopes,
} from '../storage/tokens.ts'
import { argumentError, onlyOne } from './arguments.ts'
import { withDatabase } from './find-database.ts'
import { readSecretFile, writeSecretFile } from './secret.ts'
import { toTable } from './table.ts'

/** Returns the text for standard output. */
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
      throw argumentError(
        'Use `token create`, `token list` or `token revoke`. See `turnlog-receiver --help`.',
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
    throw argumentError('Give the user of the token: --user <name>.')
  }
  const scope = parseScope(values.scope)
  const file = values['write-to']
  return withDatabase(config, (database) =>
    file === undefined
      ? createToken(database, { user, scope })
      : writeTokenTo(database, { user, scope, file }),
  )
}

/** Leaves the token in the file as it is if it has this user and scope, else writes a new one. */
async function writeTokenTo(
  database: Database,
  {
    user,
    scope,
    file,
  }: { readonly user: string; readonly scope: TokenScope; readonly file: string },
): Promise<string> {
  const existing = await readSecretFile(file)
  const holder = existing === undefined ? undefined : await findTokenHolder(database, existing)
  if (holder?.userId === user && holder.scope === scope) {
    return `The token in ${file} is valid for '${scope}' and ${user}, and was kept.`
  }
  await writeSecretFile(file, await createToken(database, { user, scope }))
  return `A token for '${scope}' and ${user} is in ${file}.`
}

function parseScope(text: string): TokenScope {
  const scope = tokenScopes.find((known) => known === text)
  if (scope !== undefined) return scope
  throw argumentError(`--scope is one of ${tokenScopes.join(', ')}; '${text}' is not.`)
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
  const token = onlyOne(positionals, 'Give one token or its id: `token revoke <id or token>`.')
  const wasRevoked = await withDatabase(config, (database) => revokeToken(database, token))
  if (wasRevoked) return 'Revoked: it is refused from now on.'
  throw argumentError('There is no such token, or it was revoked before.')
}
