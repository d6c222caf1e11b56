/**
 * The `prepack` and `postpack` scripts of a package. In between, npm packs the built package with the published manifest.
 *
 * Meanwhile the repository's manifest is in `package.json.source`. If a killed run has left it there, it is restored first.
 */
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { build } from './build.ts'
import { type Manifest, publishedManifest } from './manifest.ts'

const folder = process.cwd()
const manifestFile = path.join(folder, 'package.json')
const sourceFile = path.join(folder, 'package.json.source')
/** npm includes these files by their names; the repository has one of each for all packages. */
const license = path.join(folder, 'LICENSE')

switch (process.argv[2]) {
  case 'before':
    await before()
    break
  case 'after':
    after()
    break
  default:
    console.error('packaging/pack.ts before | after, in the folder of a package.')
    process.exitCode = 1
}

async function before(): Promise<void> {
  after()
  const manifest: Manifest = JSON.parse(readFileSync(manifestFile, 'utf8'))
  const publishing = await build(folder, manifest)
  copyFileSync(path.resolve(import.meta.dirname, '../LICENSE'), license)
  copyFileSync(manifestFile, sourceFile)
  const published = publishedManifest(manifest, publishing)
  writeFileSync(manifestFile, `${JSON.stringify(published, undefined, 2)}\n`)
}

function after(): void {
  if (existsSync(sourceFile)) renameSync(sourceFile, manifestFile)
  rmSync(license, { force: true })
  rmSync(path.join(folder, 'THIRD-PARTY-NOTICES'), { force: true })
}
