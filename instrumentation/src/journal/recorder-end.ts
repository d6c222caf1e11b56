/** The end of a recorder: its last records, and a mark in its folder, so that the worker of the main thread finds it. */
import * as path from 'node:path'
import { type Logger, ROOT_CONTEXT } from '@opentelemetry/api'
import { type AttributeName, severity } from '@turnlog/conventions'
import { attempt, originalFs } from '../file-system.ts'
import { endedMarker } from '../spool/recorder-folder.ts'
import type { Journal } from './journal.ts'

/** Writes the last records, and marks the recorder as ended. With spans still open it has no clean end. */
export function endRecorder(
  exitCode: number,
  { journal, logger, folder }: { journal: Journal; logger: Logger; folder: string },
): void {
  if (journal.recorded > 0 && !journal.hasOpenStarts) {
    logger.emit({
      eventName: 'session.end',
      severityNumber: severity.info,
      context: ROOT_CONTEXT,
      attributes: {
        'turnlog.exit_code': exitCode,
        'turnlog.recorder.last_sequence': journal.recorded + 1,
      } satisfies { [Name in AttributeName]?: number },
    })
    journal.append({ k: 'end', through: journal.recorded })
  }
  journal.close()
  if (journal.recorded > 0) markEnded(folder)
}

/** A recorder that has recorded nothing has no folder. */
export function markEnded(folder: string): void {
  attempt(() => originalFs.writeFileSync(path.join(folder, endedMarker), '', { mode: 0o600 }))
}
