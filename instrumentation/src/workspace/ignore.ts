/**
 * Which entries of the workspace are not compared, and why. Folders that tools fill are excluded always, folders of build
 * output only beside the project file that makes them output, our own folders always, and what `.gitignore` files and
 * `.git/info/exclude` exclude, and the files beside a SQLite database, which are part of it. As in git, the innermost rule that matches counts, and nothing below an excluded folder is
 * looked at. A file of rules is read up to `rulesBytesMax`.
 */
import * as path from 'node:path'
import ignore, { type Ignore } from 'ignore'
import { isSideFile } from './sqlite-files.ts'

export const rulesFile = '.gitignore'
/** Rules above this are not read: a file of that size is not written by people. */
const rulesBytesMax = 1024 ** 2

const alwaysExcluded: ReadonlySet<string> = new Set([
  '.git',
  'node_modules',
  '.venv',
  'target',
  '__pycache__',
])

/** Folders that are output beside one of these files. A name that begins with a dot is an extension. */
const outputBeside: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'build',
    [
      'package.json',
      'pyproject.toml',
      'setup.py',
      'CMakeLists.txt',
      'build.gradle',
      'build.gradle.kts',
    ],
  ],
  ['dist', ['package.json', 'pyproject.toml', 'setup.py']],
  ['vendor', ['composer.json', 'go.mod', 'Gemfile']],
  ['bin', ['pom.xml', 'build.gradle', 'build.gradle.kts', '.csproj', '.fsproj', '.vbproj', '.sln']],
])

/** Why an entry is not compared. */
export type Exclusion = 'excluded_folder' | 'own_folder' | 'gitignored' | 'database_side_file'

interface FolderEntry {
  readonly name: string
  readonly isFolder: boolean
}

interface GitRules {
  /** The folder that the patterns are relative to; absolute. */
  readonly folder: string
  readonly patterns: Ignore
}

/** The rules for the entries of one folder. Immutable: they may be used as long as their files are unchanged. */
export class FolderRules {
  readonly #ownFolders: readonly string[]
  /** The innermost first. */
  readonly #git: readonly GitRules[]

  private constructor(ownFolders: readonly string[], git: readonly GitRules[]) {
    this.#ownFolders = ownFolders
    this.#git = git
  }

  /** `ownFolders` are absolute. `excludes`: the text of `.git/info/exclude`. */
  static of(
    workspace: string,
    ownFolders: readonly string[],
    excludes: string | undefined,
  ): FolderRules {
    return new FolderRules(ownFolders, []).with(workspace, excludes)
  }

  /** These rules, and those of a file of rules in `folder`. */
  with(folder: string, text: string | undefined): FolderRules {
    if (text === undefined || text.length > rulesBytesMax) return this
    const patterns = ignore({ allowRelativePaths: true }).add(text)
    return new FolderRules(this.#ownFolders, [{ folder, patterns }, ...this.#git])
  }

  /** Why the entry of `folder` is not compared; `undefined` if it is. `names` are those of all entries of the folder. */
  exclusionOf(
    folder: string,
    { name, isFolder }: FolderEntry,
    names: ReadonlySet<string>,
  ): Exclusion | undefined {
    const absolute = path.join(folder, name)
    if (isFolder) {
      if (this.#ownFolders.includes(absolute)) return 'own_folder'
      if (alwaysExcluded.has(name) || isOutput(name, names)) return 'excluded_folder'
    }
    if (!isFolder && isSideFile(name, names)) return 'database_side_file'
    for (const { folder: base, patterns } of this.#git) {
      const relative = path.relative(base, absolute).split(path.sep).join('/')
      const { ignored, unignored } = patterns.test(isFolder ? `${relative}/` : relative)
      if (ignored) return 'gitignored'
      if (unignored) return undefined
    }
    return undefined
  }
}

function isOutput(name: string, names: ReadonlySet<string>): boolean {
  return (outputBeside.get(name) ?? []).some((file) =>
    file.startsWith('.') ? [...names].some((other) => other.endsWith(file)) : names.has(file),
  )
}
