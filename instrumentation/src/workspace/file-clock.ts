/**
 * The time with which the disk stamps changes. It is behind the system's clock by up to a tick of the kernel, which is longer
 * than a quick command takes; so a file's stamp shows before or after a moment only if that moment is a stamp, too. A
 * stamp is made by changing a private file. Linux since 6.13 stamps with the last tick, and exactly only if a file is changed twice in
 * one tick and was looked at in between. So the file is changed twice: then the stamp is later than those of all earlier
 * changes, and not later than those of all others.
 */
import * as path from 'node:path'
import { attempt, type FileSystem, makePrivateFolder } from '../file-system.ts'

const fileName = 'clock'
/** A stamp that is further from the system's clock is none of this moment: the disk stamps coarsely, or by another clock. */
const behindMsMax = 20

export interface FileClockOptions {
  readonly fileSystem: FileSystem
  /** Where the private file is. */
  readonly folder: string
  /** The files whose stamps are compared. On another disk than `folder`, there are no stamps. */
  readonly workspace: string
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export class FileClock {
  readonly #options: FileClockOptions
  #isMade: boolean = false
  #isOnOneDisk: boolean = true

  constructor(options: FileClockOptions) {
    this.#options = options
  }

  /** Now, in milliseconds since 1970; `undefined` if the disk does not show it. Never throws. */
  stamp(): number | undefined {
    if (!this.#isOnOneDisk) return undefined
    const stamp = attempt(() => this.#stamp())
    if (stamp === undefined) this.#isMade = false
    return stamp
  }

  #stamp(): number | undefined {
    const { fileSystem, folder, now } = this.#options
    if (!this.#isMade) this.#make()
    if (!this.#isOnOneDisk) return undefined
    const file = path.join(folder, fileName)
    const earliest = now() - behindMsMax
    let ctimeMs = 0
    for (let times = 0; times < 2; times += 1) {
      fileSystem.utimesSync(file, 0, 0)
      ctimeMs = fileSystem.statSync(file).ctimeMs
    }
    return ctimeMs >= earliest && ctimeMs <= now() + 1 ? ctimeMs : undefined
  }

  #make(): void {
    const { fileSystem, folder, workspace } = this.#options
    makePrivateFolder(fileSystem, folder)
    const file = path.join(folder, fileName)
    fileSystem.writeFileSync(file, '', { mode: 0o600 })
    this.#isMade = true
    this.#isOnOneDisk = fileSystem.statSync(folder).dev === fileSystem.statSync(workspace).dev
  }
}
