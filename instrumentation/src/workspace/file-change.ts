/** Types: a change that child processes made to a file, as the comparison finds it. */
import type { ContentReason } from './copies.ts'

/** The file before or after. `sha256` of a stored side is the name of its copy. */
export type ChangeSide =
  | { readonly state: 'absent' }
  | {
      readonly state: 'stored'
      readonly sha256: string
      readonly size: number
      readonly mode: number
    }
  | {
      readonly state: 'omitted'
      readonly reason: ContentReason | 'not_a_file'
      readonly size?: number
      readonly mode?: number
      readonly sha256?: string
    }

export interface FileChange {
  readonly kind: 'write' | 'delete' | 'rename'
  /** Absolute. */
  readonly path: string
  readonly previousPath?: string
  readonly before: ChangeSide
  readonly after?: ChangeSide
  readonly overwritten?: ChangeSide
  /** The children that it may come from. */
  readonly windows: readonly number[]
  /** Something else than these children may have done it. */
  readonly isUncertain: boolean
  /** When the file was last changed, in milliseconds since 1970. */
  readonly at: number
}
