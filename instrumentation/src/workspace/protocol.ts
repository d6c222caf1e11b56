/** Types: the messages between the host's thread and the workspace thread, and the data the thread starts with. */
import type { WindowFacts } from './child-window.ts'
import type { FileStat } from './file-stat.ts'
import type { SkipReason } from './scan.ts'

export interface WorkspaceLimits {
  readonly filesMax: number
  readonly copiedBytesMax: number
  readonly changesMax: number
  readonly lookMsMax: number
}

export interface WorkspaceThreadData {
  /** Tells the preload, which `--import` runs in every thread, to stay out of this one. */
  readonly turnlogSealingWorker: true
  /** Absolute, with all links resolved; so are `ownFolders`. */
  readonly workspace: string
  readonly ownFolders: readonly string[]
  /** Where copies are kept. */
  readonly copies: string
  readonly contentBytesMax: number
  readonly limits: WorkspaceLimits
  /** Not all 0: native code is loaded that may lock files. */
  readonly nativeCode: Int32Array
  /** How far the thread is: see `progress`. */
  readonly progress: SharedArrayBuffer
}

/** The cells of `progress`. */
export const progress = {
  /** The number of the last message after which the workspace was looked at. */
  looked: 0,
  /** The same, and every content was read. */
  read: 1,
  /** Milliseconds that looks take: the shorter of the last two. The first one lists all folders, and counts a quarter. */
  lookMs: 2,
  /** The number of the message whose look the host waits for, before it starts a child; 0: it does not wait. */
  awaited: 3,
  /** How many files were to be read after the last look. */
  unread: 4,
  /** 1: the host forks. */
  forking: 5,
} as const
export const progressBytes = 6 * Int32Array.BYTES_PER_ELEMENT

export interface Weakness {
  readonly hasExited?: true
  readonly isTurnOver?: true
  readonly hasLeft?: true
}

/** A file just before the app itself writes it, while children run. */
export interface OwnBefore {
  /** `undefined`: there was none. */
  readonly stat: FileStat | undefined
  /** `undefined`: too large. */
  readonly bytes: Uint8Array | undefined
  /** Milliseconds since 1970. */
  readonly at: number
}

export interface OwnChange {
  readonly path: string
  /** Without it there is no file. Of a folder: files in it have changed. */
  readonly stat: FileStat | undefined
  /** `undefined`: not read. */
  readonly bytes: Uint8Array | undefined
  /** When that was known, in milliseconds since 1970. */
  readonly at: number
}

export type ToThread =
  | { readonly type: 'look'; readonly n: number }
  /** A child has started, or native code may write files from now on. */
  | {
      readonly type: 'open'
      readonly n: number
      readonly id: number
      readonly facts: WindowFacts
      readonly at: number
      /** Where children of its turn report what they have recorded themselves. */
      readonly reports: string | undefined
    }
  /** It has exited, or its turn has ended while it lives on. */
  | {
      readonly type: 'compare'
      readonly n: number
      readonly id: number
      /** `undefined`: it is compared again. */
      readonly endedAt: number | undefined
      /** It has not exited: a child that records itself may not have reported everything. */
      readonly livesOn: boolean
      /** If a process with this in its environment lives, the child has left it behind, and is compared again. */
      readonly mark?: string | undefined
      readonly pid?: number | undefined
    }
  /** From now on others are more likely to have done what could be this child's. */
  | {
      readonly type: 'weaken'
      readonly id: number
      readonly facts: Weakness
    }
  /** From now on the child works on requests, which have windows of their own. */
  | { readonly type: 'serves'; readonly id: number; readonly since: number }
  /** The child is not compared any more. */
  | { readonly type: 'forget'; readonly id: number }
  /** The app has looked at a file that a child may change. */
  | { readonly type: 'saw'; readonly path: string; readonly now: OwnBefore }
  /** The app itself writes a file. */
  | { readonly type: 'writing'; readonly path: string; readonly before: OwnBefore | undefined }
  /** It has changed the files. */
  | { readonly type: 'own'; readonly changes: readonly OwnChange[] }

/** What a comparison covered. */
export interface ComparisonReport {
  readonly filesCompared: number
  /** Changed files that are not recorded one by one. */
  readonly filesNotRecorded: number
  readonly changedByOthers: number
  readonly skips: readonly (readonly [SkipReason, number])[]
  readonly excludedFolders: readonly string[]
  readonly isPartial: boolean
}

export interface ComparedChild {
  readonly id: number
  /** False: it lived on, and is compared again. */
  readonly hasEnded: boolean
  /** How long before its start the workspace was last looked at, in milliseconds; 0: at its start. `undefined`: never before. */
  readonly lookAgeMs: number | undefined
}

export type FromThread =
  /** JSON of `FileChange`s: the host's thread reads them when it has time. */
  | { readonly type: 'changes'; readonly json: Uint8Array }
  /** These children have been compared; their changes were sent before. */
  | {
      readonly type: 'compared'
      readonly children: readonly ComparedChild[]
      readonly report: ComparisonReport
    }
