/**
 * Counts files of the workspace that the app changes outside of any turn, which are not recorded. Only of an app that has
 * sent a request to a model: other apps do no agent's work. A file counts once, as long as its name is remembered.
 */
import type { UnseenWork } from '../record/unseen-work.ts'
import type { HostFiles } from './host-files.ts'

/** How many names are remembered; beyond, each change counts. */
const namesMax = 1_000

export class OutsideChanges {
  readonly #unseen: UnseenWork
  readonly #files: Pick<HostFiles, 'locateReal'>
  readonly #names = new Set<string>()

  constructor(unseen: UnseenWork, files: Pick<HostFiles, 'locateReal'>) {
    this.#unseen = unseen
    this.#files = files
  }

  get isCounting(): boolean {
    return this.#unseen.hasSeenModel
  }

  /** The app has changed what is there. */
  changed(absolute: string): void {
    if (this.#names.has(absolute)) return
    const { isOutside, isIgnored } = this.#files.locateReal(absolute)
    if (isOutside || isIgnored) return
    if (this.#names.size < namesMax) this.#names.add(absolute)
    this.#unseen.add({ reason: 'workspace_change', why: 'outside_turn' })
  }
}
