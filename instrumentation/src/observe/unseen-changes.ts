/**
 * Counts files of the workspace that the app changes and of which no operation is recorded, each once for a reason, as long as
 * its name is remembered: those outside of any turn, and those that a turn leaves out, but not on purpose. Outside of turns only
 * an app that has sent a request to a model is an agent, whose work is missed.
 */
import type { UnseenWork } from '../record/unseen-work.ts'
import type { HostFiles } from './host-files.ts'

/** How many names are remembered; beyond, each change counts. */
const namesMax = 1_000

export class UnseenChanges {
  readonly #unseen: UnseenWork
  readonly #files: Pick<HostFiles, 'locateReal'>
  readonly #names = new Set<string>()

  constructor(unseen: UnseenWork, files: Pick<HostFiles, 'locateReal'>) {
    this.#unseen = unseen
    this.#files = files
  }

  /** Whether changes outside of turns count. */
  get areOutsideCounted(): boolean {
    return this.#unseen.hasSeenModel
  }

  /** The app has changed what is there. */
  changed(absolute: string, why: 'outside_turn' | 'opened_before'): void {
    const name = `${why} ${absolute}`
    if (this.#names.has(name)) return
    const { isOutside, isIgnored } = this.#files.locateReal(absolute)
    if (isOutside || isIgnored) return
    if (this.#names.size < namesMax) this.#names.add(name)
    this.#unseen.add({ reason: 'workspace_change', why })
  }

  /** The app may have changed something that has no name here. */
  changedUnnamed(why: 'folder_limit' | 'name_not_utf8', count: number): void {
    this.#unseen.add({ reason: 'workspace_change', why }, count)
  }
}
