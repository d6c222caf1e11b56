/** Which records of these recorders have landed, and which are missing? */
import type { Database } from '../database.ts'

/** First and last sequence, both included. */
export type SequenceRange = readonly [first: number, last: number]

const states = ['landed', 'rejected', 'dropped', 'missing'] as const
type RangesByState = Readonly<Record<(typeof states)[number], readonly SequenceRange[]>>

export interface RecorderRanges extends RangesByState {
  readonly recorder: string
  /** How many records it is known to have numbered; null when it never said, or is unknown. */
  readonly recorded: number | null
  /** Set when there are more ranges than an answer holds: all ranges end at this sequence. */
  readonly through?: number
}

/** Ranges of one state in one answer, for all its recorders. A recorder has a few, unless a signal never arrives. */
export const rangesMax = 4_000

const rangesOf = (sequences: string) => `
         (select coalesce(json_agg(json_build_array(lower(r), upper(r) - 1)), '[]')
            from (select unnest((${sequences}) * l.asked) limit $5) as f (r))`

const recordersText = `
  select l.recorder_id as recorder, l.recorded,
         ${rangesOf('l.landed')} as landed,
         ${rangesOf('l.rejected - l.landed')} as rejected,
         ${rangesOf('l.dropped - l.landed - l.rejected')} as dropped,
         ${rangesOf('l.missing')} as missing
    from (
      select c.recorder_id, c.recorded, c.missing_sequences as missing,
             int8multirange(int8range(a.first, null)) as asked,
             coalesce(range_agg(g.sequences) filter (where g.state = 'landed'), '{}') as landed,
             coalesce(range_agg(g.sequences) filter (where g.state = 'rejected'), '{}') as rejected,
             coalesce(range_agg(g.sequences) filter (where g.state = 'dropped'), '{}') as dropped
        from unnest($2::text[], $3::bigint[]) as a (recorder_id, first)
        join session_completeness c   -- index: recorders_pkey
          on c.team_id = $1 and c.recorder_id = a.recorder_id
        left join ledger g   -- index: ledger_pkey
          on g.team_id = $1 and g.recorder_id = a.recorder_id
       where $4::text is null or c.user_id = $4
       group by c.recorder_id, c.recorded, c.missing_sequences, a.first
    ) l`

/** One for each recorder of the question, in its order; an unknown one has no ranges. */
export async function completenessOfRecorders(
  database: Database,
  options: {
    readonly teamId: string
    /** Recorders of other users look unknown; undefined: all users of the team. */
    readonly userId: string | undefined
    /** Each once, with the first sequence of interest. */
    readonly recorders: readonly { readonly recorder: string; readonly from: number }[]
  },
): Promise<RecorderRanges[]> {
  const { teamId, userId, recorders } = options
  if (recorders.length === 0) return []
  const each = Math.floor(rangesMax / recorders.length)
  const rows = await database.query<RecorderRanges>(recordersText, [
    teamId,
    recorders.map(({ recorder }) => recorder),
    recorders.map(({ from }) => from),
    userId ?? null,
    each + 1,
  ])
  const known = new Map(rows.map((row) => [row.recorder, row]))
  return recorders.map(({ recorder }) => {
    const row = known.get(recorder)
    if (row !== undefined) return cut(row, each)
    return { recorder, recorded: null, landed: [], rejected: [], dropped: [], missing: [] }
  })
}

/** Cuts all states at the same sequence. */
function cut(row: RecorderRanges, countMax: number): RecorderRanges {
  const ends = states.map((state) =>
    row[state].length > countMax ? (row[state][countMax - 1]?.[1] ?? 0) : Number.POSITIVE_INFINITY,
  )
  const through = Math.min(...ends)
  if (through === Number.POSITIVE_INFINITY) return row
  const upTo = (ranges: readonly SequenceRange[]): SequenceRange[] =>
    ranges
      .filter(([first]) => first <= through)
      .map(([first, last]) => [first, Math.min(last, through)])
  return {
    recorder: row.recorder,
    recorded: row.recorded,
    through,
    landed: upTo(row.landed),
    rejected: upTo(row.rejected),
    dropped: upTo(row.dropped),
    missing: upTo(row.missing),
  }
}
