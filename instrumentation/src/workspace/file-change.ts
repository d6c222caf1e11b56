/** Types: a change that child processes made to a file, as the comparison finds it. */
import type { Content, ContentReason } from './copies.ts'

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

export function sideOf(
  content: Content | undefined,
  { size, mode }: { size: number; mode: number },
): ChangeSide {
  const permissions = mode & 0o7777
  if (content?.sha256 === undefined) {
    return { state: 'omitted', reason: content?.omitted ?? 'not_copied', size, mode: permissions }
  }
  const { sha256, omitted } = content
  return omitted === undefined
    ? { state: 'stored', sha256, size: content.size, mode: permissions }
    : { state: 'omitted', reason: omitted, size: content.size, mode: permissions, sha256 }
}
