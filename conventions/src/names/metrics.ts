/** What Turnlog counts about itself. Each counter belongs to one conservation law. */

export interface MetricDefinition {
  readonly unit: string
  readonly meaning: string
}

/** recorded = landed + rejected + dropped (the receiver's ledger) + waiting + quarantined (the spool). */
export const recorderMetrics = {
  'turnlog.recorder.recorded': { unit: '{record}', meaning: 'Sequences given.' },
  'turnlog.recorder.waiting': {
    unit: '{record}',
    meaning: 'In the journal, sealed, or sent and not yet confirmed.',
  },
  'turnlog.recorder.quarantined': {
    unit: '{record}',
    meaning: 'Set aside because the receiver refused their segment.',
  },
  'turnlog.recorder.dropped': { unit: '{record}', meaning: 'Lost, and declared so.' },
} as const satisfies Record<string, MetricDefinition>

/** received = landed + duplicate + rejected. */
export const receiverMetrics = {
  'turnlog.receiver.received': {
    unit: '{record}',
    meaning: 'Records in requests that were decoded.',
  },
  'turnlog.receiver.landed': { unit: '{record}', meaning: 'New rows.' },
  'turnlog.receiver.duplicate': { unit: '{record}', meaning: 'Already there.' },
  'turnlog.receiver.rejected': {
    unit: '{record}',
    meaning: 'Refused for good, each with a reason.',
  },
} as const satisfies Record<string, MetricDefinition>

export const metrics = { ...recorderMetrics, ...receiverMetrics } as const
