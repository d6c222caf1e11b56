/**
 * Packages as the program's own code finds them: its `require` and its `import` may load different files. The folders are looked
 * through here, since Node's own look-up also reads the manifest beside the program, which may be something that no read returns from.
 */
import * as path from 'node:path'
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

interface FoundPackage {
  readonly folder: string
  readonly manifest: Readonly<Record<string, unknown>>
}

/** The files of the package's entry `subpath`, such as `.`; `undefined`: the program cannot load the package. */
export function filesOfPackage(name: string, subpath: string): PackageFiles | undefined {
  const program = folderOfProgram()
  const found = program === undefined ? undefined : findPackage(name, program)
  return found && filesIn(found, subpath)
}

/** The files of each copy of the package that the program or one of its dependencies can load. */
export function filesOfCopies(name: string, subpath: string): PackageFiles[] {
  const program = folderOfProgram()
  if (program === undefined) return []
  const { dependencies } = foldersAbove(program).map(manifestIn).find(isKnown) ?? {}
  const names = Object.keys(asObject(dependencies) ?? {}).slice(0, dependenciesMax)
  const users = [program, ...names.map((each) => findPackage(each, program)?.folder)]
  const copies = users.filter(isKnown).map((folder) => findPackage(name, folder))
  const byFolder = new Map(copies.filter(isKnown).map((found) => [found.folder, found]))
  return [...byFolder.values()].map((found) => filesIn(found, subpath))
}

export function folderOfProgram(): string | undefined {
  const [, program] = process.argv
  try {
    return program && path.dirname(originalFs.realpathSync(program))
  } catch {
    // It does not exist, or has no ending.
    return undefined
  }
}

/** As Node looks for it: in the `node_modules` of the folder and of those above it. */
export function findPackage(name: string, from: string): FoundPackage | undefined {
  for (const above of foldersAbove(from)) {
    const folder = path.join(above, 'node_modules', name)
    const manifest = manifestIn(folder)
    if (manifest !== undefined) return { folder: originalFs.realpathSync(folder), manifest }
  }
  return undefined
}

/** The folder itself, and those above it. */
function foldersAbove(folder: string): string[] {
  const above = path.dirname(folder)
  return above === folder ? [folder] : [folder, ...foldersAbove(above)]
}

export function manifestIn(folder: string): Readonly<Record<string, unknown>> | undefined {
  const text = readRegularFile(path.join(folder, 'package.json'), { fileSystem: originalFs })
  return text === undefined ? undefined : parseObject(text)
}

function filesIn({ folder, manifest }: FoundPackage, subpath: string): PackageFiles {
  const entry = asObject(asObject(manifest.exports)?.[subpath])
  const urlOf = (condition: string): URL | undefined => {
    const given = entry?.[condition]
    const file = asString(asObject(given)?.default) ?? asString(given)
    return file === undefined ? undefined : pathToFileURL(path.join(folder, file))
  }
  const required = urlOf('require')
  return {
    required: required === undefined ? undefined : fileURLToPath(required),
    imported: (urlOf('import') ?? urlOf('default'))?.href,
  }
}

function isKnown<Value>(value: Value | undefined): value is Value {
  return value !== undefined
}
