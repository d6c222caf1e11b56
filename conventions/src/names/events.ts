/** Log events and span names. */

export interface EventDefinition {
  readonly meaning: string
  readonly stability: 'stable' | 'development'
}

/** `eventName` of log records. */
export const events = {
  'session.start': {
    meaning:
      'An app process has something to record, or its web server listens. The time is that of the process’s start, at most a day before.',
    stability: 'development',
  },
  'session.end': {
    meaning: 'A recorder ended; this record has the recorder’s last sequence.',
    stability: 'development',
  },
  'turnlog.process.started': {
    meaning:
      'A turn or a tool call started a child process. Without a `turnlog.process.ended` of the same recorder and number, nothing is known of the files that it changed.',
    stability: 'development',
  },
  'turnlog.process.ended': {
    meaning:
      'A child process ended, and the workspace was compared: the record says how many files changed, and what was not compared.',
    stability: 'development',
  },
  'turnlog.change.decision': {
    meaning: 'A file operation was accepted, rejected or reverted.',
    stability: 'stable',
  },
  'turnlog.tool.decision': {
    meaning:
      'A person accepted or rejected a tool call that the model asked for; in the context of that call.',
    stability: 'development',
  },
  'turnlog.records.dropped': {
    meaning: 'A range of sequences was lost; the record gives the reason.',
    stability: 'stable',
  },
  'turnlog.content': {
    meaning:
      'A part of a content that records reference by `K.ref`. The body is the part: a text or bytes, at most 1 MiB. The time is that of a record that references the content. The record has no sequence.',
    stability: 'stable',
  },
  'turnlog.unseen': {
    meaning:
      'Work that was noticed and not recorded, counted by reason: one record when it is first noticed, and further ones, less and less often, for what came since. The counts of all records add up.',
    stability: 'development',
  },
  'turnlog.self_check': {
    meaning:
      'What of the app is observed has changed since the last self-check of the process; the first is on `session.start`.',
    stability: 'development',
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

export const turnOutcomes = ['completed', 'failed', 'aborted', 'abandoned', 'waiting'] as const
export type TurnOutcome = (typeof turnOutcomes)[number]

export const unseenReasons = [
  'model_traffic',
  'model_call_bytes',
  'ambiguous_model_call',
  'agent_child',
  'workspace_change',
  'failed_step',
] as const
export type UnseenReason = (typeof unseenReasons)[number]

/** Severity numbers of OpenTelemetry's logs: decisions and sessions are INFO, drops WARN, errors ERROR or FATAL. */
export const severity = { info: 9, warn: 13, error: 17, fatal: 21 } as const
