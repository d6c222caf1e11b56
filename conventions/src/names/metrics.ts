/** The metrics that Turnlog's own parts report. Each counter is part of one conservation law. */

export interface MetricDefinition {
  readonly unit: string
  readonly meaning: string
}

/** recorded = landed + rejected + dropped (the receiver's ledger) + waiting + quarantined (the spool). */
export const recorderMetrics = {
  'turnlog.recorder.recorded': { unit: '{record}', meaning: 'Sequences assigned.' },
  'turnlog.recorder.waiting': {
    unit: '{record}',
    meaning: 'Records in the journal, sealed, or sent and not yet confirmed.',
  },
  'turnlog.recorder.quarantined': {
    unit: '{record}',
    meaning: 'Records set aside because the receiver refused their segment.',
  },
  'turnlog.recorder.dropped': { unit: '{record}', meaning: 'Records lost and declared as lost.' },
} as const satisfies Record<string, MetricDefinition>

/** received = landed + duplicate + rejected. */
export const receiverMetrics = {
  'turnlog.receiver.received': {
    unit: '{record}',
    meaning: 'Records in requests that were decoded.',
  },
  'turnlog.receiver.landed': { unit: '{record}', meaning: 'Records that became rows.' },
  'turnlog.receiver.duplicate': { unit: '{record}', meaning: 'Records that had landed before.' },
  'turnlog.receiver.rejected': {
    unit: '{record}',
    meaning: 'Records refused for good, each with a reason.',
  },
} as const satisfies Record<string, MetricDefinition>

export const metrics = { ...recorderMetrics, ...receiverMetrics } as const
