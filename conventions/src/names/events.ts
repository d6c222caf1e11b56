/** Log events and span names. */

export interface EventDefinition {
  readonly meaning: string
  readonly stability: 'stable' | 'development'
}

/** `eventName` of log records. */
export const events = {
  'session.start': { meaning: 'An app process began to record.', stability: 'development' },
  'session.end': {
    meaning: 'A recorder ended; its number is the recorder’s last.',
    stability: 'development',
  },
  'turnlog.change.decision': {
    meaning: 'Somebody accepted, rejected or reverted a file operation.',
    stability: 'stable',
  },
  'turnlog.records.dropped': {
    meaning: 'A range of sequences was lost, and why.',
    stability: 'stable',
  },
  'turnlog.content': {
    meaning:
      'A part of a content that records refer to by `K.ref`: its body, a text of at most 1 MiB or bytes. Its time is that of a record that refers to it. It has no number.',
    stability: 'stable',
  },
  exception: { meaning: 'An error surfaced in the app.', stability: 'stable' },
} as const satisfies Record<string, EventDefinition>
export type EventName = keyof typeof events

export const captureModes = ['full', 'no_files', 'metadata'] as const
export type CaptureMode = (typeof captureModes)[number]

export const fileOperationTypes = ['create', 'write', 'edit', 'delete', 'rename'] as const
export type FileOperationType = (typeof fileOperationTypes)[number]

export const decisionTypes = ['accept', 'reject', 'revert'] as const
export type DecisionType = (typeof decisionTypes)[number]

export const decisionSources = ['user', 'auto', 'policy'] as const
export type DecisionSource = (typeof decisionSources)[number]

export const decisionOutcomes = [
  'kept',
  'restored',
  'restored_with_later_edits',
  'conflict',
  'missing',
] as const
export type DecisionOutcome = (typeof decisionOutcomes)[number]

export const turnTransports = ['rest', 'websocket'] as const
export type TurnTransport = (typeof turnTransports)[number]

export const turnOutcomes = ['completed', 'failed', 'aborted', 'abandoned'] as const
export type TurnOutcome = (typeof turnOutcomes)[number]

/** Severity numbers in use (OTel logs data model): decisions and sessions INFO, drops WARN, errors by kind. */
export const severity = { info: 9, warn: 13, error: 17, fatal: 21 } as const
