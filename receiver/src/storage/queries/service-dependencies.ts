/** Which service calls which, and how often? Counts the spans whose parent belongs to another service. */
import type { Reader, TeamRead } from '../database.ts'

export interface Dependency {
  /** Null: spans without a service. */
  readonly parent: string | null
  readonly child: string | null
  readonly callCount: number
}

/** A parent begins at most a day before its child, so that few partitions are read. */
const text = `
  select p.service_name as parent, c.service_name as child, count(*) as "callCount"
    from spans c
    join spans p
      on p.team_id = c.team_id and p.trace_id = c.trace_id and p.span_id = c.parent_span_id
     and p.start_time >= $2::timestamptz - interval '1 day'
     and p.start_time <= $3::timestamptz
   where c.team_id = $1 and c.start_time >= $2 and c.start_time <= $3   -- index: spans_by_time
     and c.parent_span_id is not null
     and p.service_name is distinct from c.service_name
   group by p.service_name, c.service_name
   order by p.service_name, c.service_name
   limit $4`

export async function serviceDependencies(
  database: Reader,
  options: TeamRead & { readonly from: Date; readonly to: Date; readonly rowsMax: number },
): Promise<readonly Dependency[]> {
  const { teamId, from, to, rowsMax, ...limits } = options
  return database.read<Dependency>(text, [teamId, from, to, rowsMax], limits)
}
