/**
 * One look at the workspace: every file that is compared, with its stat. Contents are not read. Links are not followed, so
 * there are no loops; links, sockets, pipes and devices are counted. At most `filesMax` files and `timeMsMax` of time;
 * what was left out is counted by reason. Throws only if the workspace itself cannot be read.
 *
 * A folder whose stat is unchanged is not listed again. Its list is used only if the folder was last changed long enough
 * before it was listed: another change within the disk's clock would leave the same stat.
 */
import type { Dirent } from 'node:fs'
import * as path from 'node:path'
import { attempt, type FileSystem } from '../file-system.ts'
import { type FileStat, isRacy, isSame, statOf } from './file-stat.ts'
import { type Exclusion, FolderRules, rulesFile } from './ignore.ts'

/** How many excluded folders are named. */
const namedMax = 50
/** How often the clock is looked at, and others have a turn. */
const filesPerClock = 256

export interface ScanOptions {
  readonly fileSystem: FileSystem
  /** Absolute, with all links resolved; so are `ownFolders`. */
  readonly workspace: string
  readonly ownFolders: readonly string[]
  readonly filesMax: number
  readonly timeMsMax: number
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Called now and then during a look. */
  readonly pause: () => void
}

export type SkipReason =
  | Exclusion
  | 'not_a_file'
  | 'unreadable'
  | 'name_not_utf8'
  | 'files_limit'
  | 'time_limit'

/** What was left out of a look. */
export interface Skips {
  readonly counts: ReadonlyMap<SkipReason, number>
  /** Excluded folders, relative to the workspace with `/`: the first fifty. */
  readonly folders: readonly string[]
}

export interface Look {
  /** By absolute path. */
  readonly files: ReadonlyMap<string, FileStat>
  readonly folders: ReadonlyMap<string, FileStat>
  readonly skips: Skips
  /** A limit was hit: a file that was not seen may exist. */
  readonly isPartial: boolean
}

interface Entry {
  readonly name: string
  readonly path: string
}

/** A folder's list. */
interface Listing {
  readonly stat: FileStat
  readonly listedAt: number
  readonly parentRules: FolderRules
  readonly rulesStat: FileStat | undefined
  readonly rules: FolderRules
  readonly files: readonly Entry[]
  readonly folders: readonly Entry[]
  readonly skipped: readonly (readonly [SkipReason, string])[]
}

export class Scanner {
  readonly #options: ScanOptions
  #listings = new Map<string, Listing>()
  #rootRules: FolderRules | undefined
  #excludes: string | undefined

  constructor(options: ScanOptions) {
    this.#options = options
  }

  look(): Look {
    const { workspace, filesMax, timeMsMax, now, pause } = this.#options
    const files = new Map<string, FileStat>()
    const folders = new Map<string, FileStat>()
    const skips = new SkipCounter(workspace)
    const listings = new Map<string, Listing>()
    const until = now() + timeMsMax
    const stack = [{ folder: workspace, rules: this.#rules() }]
    let untilClock = filesPerClock
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const listing = this.#list(next.folder, next.rules)
      if (listing === undefined) {
        skips.add('unreadable', next.folder)
        continue
      }
      listings.set(next.folder, listing)
      folders.set(next.folder, listing.stat)
      for (const [reason, skipped] of listing.skipped) skips.add(reason, skipped)
      for (const { path: file } of listing.files) {
        if (files.size >= filesMax) {
          skips.add('files_limit', file)
          continue
        }
        const stat = this.#statOf(file)
        if (stat === 'not_a_file' || stat === 'unreadable') skips.add(stat, file)
        else if (stat !== undefined) files.set(file, stat)
      }
      untilClock -= listing.files.length + 1
      if (untilClock < 0) {
        if (now() > until) {
          skips.add('time_limit', next.folder)
          break
        }
        untilClock = filesPerClock
        pause()
      }
      for (const { path: folder } of listing.folders) stack.push({ folder, rules: listing.rules })
    }
    this.#listings = listings
    return { files, folders, skips, isPartial: skips.isPartial }
  }

  /** Whether a look would see the file, as far as the last one has read the rules; before the first one, by those of the workspace. */
  covers(file: string): boolean {
    this.#listWorkspace()
    const inFolder = path.dirname(file)
    const entries = [{ name: path.basename(file), isFolder: false, folder: inFolder }]
    for (let folder = inFolder; ; folder = path.dirname(folder)) {
      const listing = this.#listings.get(folder)
      if (listing !== undefined) {
        return entries.every(
          (entry) => listing.rules.exclusionOf(entry.folder, entry, new Set()) === undefined,
        )
      }
      if (folder === path.dirname(folder)) return false
      entries.push({ name: path.basename(folder), isFolder: true, folder: path.dirname(folder) })
    }
  }

  #listWorkspace(): void {
    const { workspace } = this.#options
    const listing = this.#listings.size === 0 ? this.#list(workspace, this.#rules()) : undefined
    if (listing !== undefined) this.#listings.set(workspace, listing)
  }

  #rules(): FolderRules {
    const { fileSystem, workspace, ownFolders } = this.#options
    const file = path.join(workspace, '.git/info/exclude')
    const excludes = attempt(() => fileSystem.readFileSync(file, 'utf8'))
    if (this.#rootRules === undefined || excludes !== this.#excludes) {
      this.#rootRules = FolderRules.of(workspace, ownFolders, excludes)
      this.#excludes = excludes
    }
    return this.#rootRules
  }

  #statOf(file: string): FileStat | 'not_a_file' | 'unreadable' | undefined {
    try {
      const stat = this.#options.fileSystem.lstatSync(file, { throwIfNoEntry: false })
      if (stat === undefined) return undefined
      return stat.isFile() ? statOf(stat) : 'not_a_file'
    } catch {
      return 'unreadable'
    }
  }

  /** `undefined` if the folder cannot be read. */
  #list(folder: string, parentRules: FolderRules): Listing | undefined {
    const { fileSystem, now } = this.#options
    return attempt(() => {
      const found = fileSystem.lstatSync(folder)
      if (!found.isDirectory()) return undefined
      const stat = statOf(found)
      const rulesPath = path.join(folder, rulesFile)
      const known = this.#listings.get(folder)
      const isCurrent =
        known !== undefined &&
        known.parentRules === parentRules &&
        isSame(known.stat, stat) &&
        !isRacy(stat, known.listedAt)
      if (isCurrent && known.rulesStat === undefined) return known
      const rulesStat = this.#statOf(rulesPath)
      const ownStat = typeof rulesStat === 'object' ? rulesStat : undefined
      const hasSameRules =
        known?.rulesStat !== undefined &&
        ownStat !== undefined &&
        known.parentRules === parentRules &&
        isSame(known.rulesStat, ownStat)
      if (isCurrent && hasSameRules) return known
      const text =
        ownStat === undefined
          ? undefined
          : attempt(() => fileSystem.readFileSync(rulesPath, 'utf8'))
      const rules = hasSameRules ? known.rules : parentRules.with(folder, text)
      const listedAt = now()
      const entries = fileSystem.readdirSync(folder, { withFileTypes: true })
      return {
        stat,
        listedAt,
        parentRules,
        rulesStat: ownStat,
        rules,
        ...sortEntries(folder, entries, rules),
      }
    })
  }
}

/** Which entries are looked at, and which are left out. */
function sortEntries(
  folder: string,
  entries: readonly Dirent[],
  rules: FolderRules,
): Pick<Listing, 'files' | 'folders' | 'skipped'> {
  const names = new Set(entries.map(({ name }) => name))
  const files: Entry[] = []
  const folders: Entry[] = []
  const skipped: [SkipReason, string][] = []
  for (const entry of entries) {
    const { name } = entry
    const isFolder = entry.isDirectory()
    const isFile = entry.isFile()
    const at = path.join(folder, name)
    // A name that is not UTF-8 does not lead back to its file.
    if (name.includes('\u{fffd}')) skipped.push(['name_not_utf8', at])
    else {
      const exclusion = rules.exclusionOf(folder, { name, isFolder }, names)
      if (exclusion !== undefined) skipped.push([exclusion, isFolder ? `${at}${path.sep}` : at])
      else if (isFolder) folders.push({ name, path: at })
      else if (isFile) files.push({ name, path: at })
      else skipped.push(['not_a_file', at])
    }
  }
  return { files, folders, skipped }
}

class SkipCounter implements Skips {
  readonly #workspace: string
  readonly counts = new Map<SkipReason, number>()
  readonly folders: string[] = []

  constructor(workspace: string) {
    this.#workspace = workspace
  }

  get isPartial(): boolean {
    return this.counts.has('files_limit') || this.counts.has('time_limit')
  }

  add(reason: SkipReason, at: string): void {
    const isFolder = at.endsWith(path.sep)
    if (isFolder && this.folders.length < namedMax) {
      this.folders.push(path.relative(this.#workspace, at).split(path.sep).join('/'))
    }
    // Excluded folders are named; their files are not counted, since they are not listed.
    if (!isFolder) this.counts.set(reason, (this.counts.get(reason) ?? 0) + 1)
  }
}
