/** Makes recorded changes from contents. */

import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { FileOperationType } from '@turnlog/conventions'
import type { FileState, RecordedChange } from '../../src/changes/change.ts'
import { hashOf } from '../../src/changes/disk-state.ts'

type Content = string | Uint8Array | undefined

export interface Operation {
  readonly opType: FileOperationType
  readonly path: string
  readonly previousPath?: string
  /** Undefined: there was no file. */
  readonly before?: Content
  readonly after?: Content
  readonly overwritten?: Content
  readonly fields?: Partial<RecordedChange>
}

export function changeOf(workspace: string, operation: Operation): RecordedChange {
  const { opType, path, previousPath, before, after, overwritten, fields } = operation
  return {
    opId: randomUUID(),
    path,
    absolutePath: join(workspace, path),
    previousPath,
    previousAbsolutePath: previousPath && join(workspace, previousPath),
    workspace,
    opType,
    startedAt: new Date().toISOString(),
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    sessionId: 'session-1',
    before: stateOf(before),
    after: stateOf(after),
    overwritten: overwritten === undefined ? undefined : stateOf(overwritten),
    binary: false,
    ...fields,
  }
}

export function stateOf(content: Content): FileState {
  const bytes = bytesOf(content)
  return bytes === undefined ? 'absent' : hashOf(bytes)
}

export function bytesOf(content: Content): Uint8Array | undefined {
  return typeof content === 'string' ? Buffer.from(content) : content
}
