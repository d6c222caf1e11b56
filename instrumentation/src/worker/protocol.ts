/** What the host's thread and the sealing worker say to each other. */

import type { MissingRange } from '../seal/sequences.ts'
import type { Signal } from '../spool/segment-name.ts'

/** Where it is sent, and what has to be known there before it goes. */
export interface DeliverySettings {
  readonly endpoint: string | undefined
  readonly token: string | undefined
  readonly receiver: string | undefined
  readonly receiverToken: string | undefined
  readonly resendAfterSeconds: number
  readonly keptDaysMax: number
  readonly keptBytesMax: number
}

/** Where the exporters send, by signal; what else they need they read from `OTEL_EXPORTER_OTLP_*`. */
export type ExportSettings = {
  readonly [Each in Signal]: {
    readonly url: string
    readonly headers: Readonly<Record<string, string>>
  }
}

export interface SealingWorkerData {
  /** Tells the preload, which `--import` runs in every thread, to stay out of this one. */
  readonly turnlogSealingWorker: true
  /** The destination's folder. */
  readonly directory: string
  readonly folder: string
  readonly changesDirectory: string
  readonly contentBytesMax: number
  readonly inlineBytesMax: number
  readonly delivery: DeliverySettings
  /** OpenTelemetry's exporters, in place of segments and their delivery. */
  readonly otlp: ExportSettings | undefined
}

export type ToWorker =
  /** Journal files up to this one are closed. */
  | { readonly type: 'closed'; readonly file: number }
  /** Answer when everything up to this file is sealed. */
  | { readonly type: 'refresh'; readonly file: number; readonly id: number }

export type FromWorker =
  | { readonly type: 'refreshed'; readonly id: number }
  | { readonly type: 'missing'; readonly ranges: readonly MissingRange[] }
