/** Packages as the program's own code finds them: its `require` and its `import` may load different files. */
import { findPackageJSON } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { asObject, asString, parseObject } from '@turnlog/conventions/plain'
import { readRegularFile } from '@turnlog/conventions/regular-file'
import { originalFs } from '../file-system.ts'

/** Dependencies of the program that are looked through. */
const dependenciesMax = 200

export interface PackageFiles {
  /** A path. */
  readonly required: string | undefined
  /** A URL. */
  readonly imported: string | undefined
}

/** The files of the package's entry `subpath`, such as `.`; `undefined`: the program cannot load the package. */
export function filesOfPackage(name: string, subpath: string): PackageFiles | undefined {
  const manifest = manifestOf(name, process.argv[1])
  return manifest === undefined ? undefined : filesIn(manifest, subpath)
}

/** The files of each copy of the package that the program or one of its dependencies can load. */
export function filesOfCopies(name: string, subpath: string): PackageFiles[] {
  const [, program] = process.argv
  const own = program && findPackageJSON('.', pathToFileURL(program))
  const { dependencies } = own === undefined || own === '' ? {} : manifestAt(own)
  const names = Object.keys(asObject(dependencies) ?? {}).slice(0, dependenciesMax)
  const users = names.map((dependency) => manifestOf(dependency, program))
  const manifests = new Set([program, ...users].map((user) => manifestOf(name, user)))
  return [...manifests].flatMap((manifest) =>
    manifest === undefined ? [] : [filesIn(manifest, subpath)],
  )
}

/** The path of the package's manifest, as the file `from` finds it. */
function manifestOf(name: string, from: string | undefined): string | undefined {
  if (from === undefined) return undefined
  try {
    return findPackageJSON(name, pathToFileURL(from))
  } catch {
    // It is not there.
    return undefined
  }
}

function manifestAt(path: string): Readonly<Record<string, unknown>> {
  return parseObject(readRegularFile(path, { fileSystem: originalFs }) ?? '') ?? {}
}

function filesIn(manifest: string, subpath: string): PackageFiles {
  const entry = asObject(asObject(manifestAt(manifest).exports)?.[subpath])
  const urlOf = (condition: string): URL | undefined => {
    const given = entry?.[condition]
    const file = asString(asObject(given)?.default) ?? asString(given)
    return file === undefined ? undefined : new URL(file, pathToFileURL(manifest))
  }
  const required = urlOf('require')
  return {
    required: required === undefined ? undefined : fileURLToPath(required),
    imported: (urlOf('import') ?? urlOf('default'))?.href,
  }
}
