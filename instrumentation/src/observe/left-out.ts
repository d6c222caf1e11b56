/** Counts what is not recorded on purpose, by reason, on the span of the tool call or turn it belongs to. */
import type { Context, Span } from '@opentelemetry/api'
import type { AttributeName } from '@turnlog/conventions'
import { callOfFile } from '../record/call-of-file.ts'
import type { FileOperationOwner } from './file-record.ts'
import type { FileLocation } from './host-files.ts'
import type { UnseenChanges } from './unseen-changes.ts'

/**
 * `ignored`: `.git`, `node_modules`, Turnlog's own; `opened_before`: through a descriptor opened outside of any turn;
 * `outside_unnamed`: outside the workspace, in a turn without a server, and named by no argument of a tool call.
 */
export type LeftOutReason =
  | 'ignored'
  | 'opened_before'
  | 'folder_limit'
  | 'name_not_utf8'
  | 'outside_unnamed'

interface Counts {
  total: number
  readonly reasons: Set<LeftOutReason>
}

export class LeftOut {
  readonly #unseen: UnseenChanges
  readonly #counts = new WeakMap<Span, Counts>()

  constructor(unseen: UnseenChanges) {
    this.#unseen = unseen
  }

  /** What a request that is not a turn yet has left out; it is counted when the request becomes a turn. */
  count(
    owner: FileOperationOwner,
    { names, absolute }: Pick<FileLocation, 'names' | 'absolute'>,
    active: Context,
    reason: LeftOutReason,
    count = 1,
  ): void {
    const add = (): void => {
      const { call } = callOfFile(owner.openTools.values(), { names, absolute, active })
      const span = call?.span ?? owner.span
      if (span === undefined) return
      this.#add(span, reason, count)
      if (reason === 'opened_before') this.#unseen.changed(absolute, reason)
      // The others are left out on purpose.
      else if (reason === 'folder_limit' || reason === 'name_not_utf8') {
        this.#unseen.changedUnnamed(reason, count)
      }
    }
    if ('whenTurn' in owner && !owner.isDecided) owner.whenTurn(add, () => undefined)
    else add()
  }

  #add(span: Span, reason: LeftOutReason, count: number): void {
    const counts = this.#counts.get(span) ?? { total: 0, reasons: new Set() }
    counts.total += count
    counts.reasons.add(reason)
    this.#counts.set(span, counts)
    span.setAttributes({
      'turnlog.file_operations.left_out': counts.total,
      'turnlog.file_operations.left_out.reasons': [...counts.reasons],
    } satisfies { [Name in AttributeName]?: number | string[] })
  }
}
