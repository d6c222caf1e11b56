/** Which services have sent spans? */
import type { Reader, TeamRead } from '../database.ts'

/** Steps from one name to the next through the index: as many steps as there are services. */
const text = `
  with recursive services as (
    (select left(service_name, 200) as cut, service_name
       from spans
      where team_id = $1 and left(service_name, 200) is not null
      order by left(service_name, 200)   -- index: operations_by_service
      limit 1)
    union all
    select next.cut, next.service_name
      from services s
     cross join lateral (
       select left(n.service_name, 200) as cut, n.service_name
         from spans n
        where n.team_id = $1 and left(n.service_name, 200) > s.cut
        order by left(n.service_name, 200)
        limit 1
     ) next
  )
  (select service_name as "serviceName" from services limit $2)
  union all
  (select null where exists (
     select from spans where team_id = $1 and left(service_name, 200) is null))`

/** Unordered. Null: spans without a service. Names with the same first 200 characters count as one. */
export async function servicesOf(
  database: Reader,
  options: TeamRead & { readonly rowsMax: number },
): Promise<readonly (string | null)[]> {
  const { teamId, rowsMax, ...limits } = options
  const rows = await database.read<{ serviceName: string | null }>(text, [teamId, rowsMax], limits)
  return rows.map(({ serviceName }) => serviceName)
}
