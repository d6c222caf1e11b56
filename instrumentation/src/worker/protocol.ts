/** Types: the messages between the host's thread and the sealing worker, and the data that the worker and the sender start with. */
import type { Config } from '../config.ts'
import type { MissingRange } from '../seal/sequences.ts'

/** The settings that the worker reads. */
export type WorkerConfig = Pick<
  Config,
  | 'contentBytesMax'
  | 'endpoint'
  | 'inlineBytesMax'
  | 'keptBytesMax'
  | 'keptDaysMax'
  | 'otlp'
  | 'receiver'
  | 'receiverToken'
  | 'resendAfterSeconds'
  | 'token'
>

export interface WorkerData {
  /** The destination's folder. */
  readonly directory: string
  /** The recorder's folder. The sender records nothing, and has none there. */
  readonly folder: string
  readonly changesDirectory: string
  readonly config: WorkerConfig
}

export interface SealingWorkerData extends WorkerData {
  /** Tells the preload, which `--import` runs in every thread, to stay out of this one. */
  readonly turnlogSealingWorker: true
  /** See `thread-end.ts`. */
  readonly end: SharedArrayBuffer
}

export interface SenderData extends WorkerData {
  /** The process that has started the sender, and is about to end. */
  readonly host: number
}

export type ToWorker =
  /** Journal files up to this one are closed. */
  | { readonly type: 'closed'; readonly file: number }
  /** A recorder has ended: look for it now. */
  | { readonly type: 'look' }
  /** Answer when everything up to this file is sealed. */
  | { readonly type: 'refresh'; readonly file: number; readonly id: number }

export type FromWorker =
  | { readonly type: 'refreshed'; readonly id: number }
  | { readonly type: 'missing'; readonly ranges: readonly MissingRange[] }
