/** Packages as the program's own code finds them: its `require` and its `import` may load different files. */
import { findPackageJSON } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { asObject, asString, parseObject } from '@turnlog/conventions/plain'
import { originalFs } from '../file-system.ts'

export interface PackageFiles {
  /** A path. */
  readonly required: string | undefined
  /** A URL. */
  readonly imported: string | undefined
}

/** The files of the package's entry `subpath`, such as `.`; `undefined`: the program cannot load the package. */
export function filesOfPackage(name: string, subpath: string): PackageFiles | undefined {
  const [, program] = process.argv
  const manifest = program === undefined ? undefined : findPackageJSON(name, pathToFileURL(program))
  if (manifest === undefined) return undefined
  const { exports } = parseObject(originalFs.readFileSync(manifest, 'utf8')) ?? {}
  const entry = asObject(asObject(exports)?.[subpath])
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
