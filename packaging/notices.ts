/** Collects the licences of the bundled packages, which require that their text is distributed. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import * as path from 'node:path'

/** Writes the file, and returns the names of the packages in it. Throws for a package without a licence text. */
export function writeNotices(file: string, moduleIds: readonly string[]): ReadonlySet<string> {
  const folders = new Set(moduleIds.map(packageFolderOf).filter((folder) => folder !== undefined))
  const packages = [...folders].map(describe).sort((a, b) => (a.name < b.name ? -1 : 1))
  const byText = Map.groupBy(packages, ({ text }) => text)
  const sections = [...byText].map(([text, group]) => {
    const titles = new Set(
      group.map(({ name, version, license }) => `${name} ${version} (${license})`),
    )
    return `${[...titles].join('\n')}\n\n${text.trim()}\n`
  })
  writeFileSync(file, `This package contains:\n\n${sections.join(`\n${'-'.repeat(72)}\n\n`)}`)
  return new Set(packages.map(({ name }) => name))
}

function packageFolderOf(moduleId: string): string | undefined {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(moduleId)?.[0]
}

function describe(folder: string) {
  const manifest: unknown = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
  const { name, version, license } = Object(manifest)
  const found = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each))
  const text =
    found === undefined ? knownText(folder) : readFileSync(path.join(folder, found), 'utf8')
  if (text === undefined) throw new Error(`${name} ${version} has no licence text to hand on.`)
  return { name: String(name), version: String(version), license: String(license), text }
}

/** A package without a licence file may have the text in its README. */
function knownText(folder: string): string | undefined {
  const readme = path.join(folder, 'README.md')
  return existsSync(readme)
    ? /#+ *licen[cs]e[\s\S]*/i.exec(readFileSync(readme, 'utf8'))?.[0]
    : undefined
}
