/** The file before or after a change, from what is known of its content. Pure. */
import { emptySha256 } from '../spool/workspace-copies.ts'
import type { Content } from './copies.ts'
import type { ChangeSide, FileChange } from './file-change.ts'
import type { FileStat } from './file-stat.ts'

export const notCopiedSide: ChangeSide = { state: 'omitted', reason: 'not_copied' }

/** The content of a file of which no copy was made. */
export function notCopied({ size }: FileStat): Content {
  return { sha256: undefined, size, omitted: 'not_copied' }
}

export const changing: ChangeSide = { state: 'omitted', reason: 'changing' }
export const notAFile: ChangeSide = { state: 'omitted', reason: 'not_a_file' }

/** The file as the app itself left it: its content was not read. */
export function unread({ size, mode }: FileStat): ChangeSide {
  const permissions = mode & 0o7777
  return size === 0
    ? { state: 'stored', sha256: emptySha256, size, mode: permissions }
    : { state: 'omitted', reason: 'not_copied', size, mode: permissions }
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

/** The file keeps its content; what it replaced is kept. */
export function renameOf(from: FileChange, to: FileChange): FileChange {
  const { path, windows, isUncertain, at, before, after } = to
  return {
    kind: 'rename',
    path,
    previousPath: from.path,
    before: after?.state === 'stored' ? after : from.before,
    ...(before.state === 'absent' ? {} : { overwritten: before }),
    windows,
    isUncertain,
    at,
  }
}
