/** Which operations does this service have? */
import type { Reader, TeamRead } from '../database.ts'

export interface Operation {
  readonly name: string
  /** OTLP's span kind. */
  readonly kind: number
}

/** As for services: steps from one operation to the next, by the index `operations_by_service`. */
const textFor = (isService: string) => `
  with recursive operations as (
    (select left(name, 200) as cut, name, kind
       from spans
      where team_id = $1 and ${isService}
      order by left(name, 200), kind
      limit 1)
    union all
    select next.cut, next.name, next.kind
      from operations o
     cross join lateral (
       select left(name, 200) as cut, name, kind
         from spans
        where team_id = $1 and ${isService} and (left(name, 200), kind) > (o.cut, o.kind)
        order by left(name, 200), kind
        limit 1
     ) next
  )
  select name, kind from operations limit $3`

const text = textFor('left(service_name, 200) = left($2, 200)')
const textWithoutService = textFor('left(service_name, 200) is null and $2::text is null')

/** Unordered. Names with the same first 200 characters count as one for each kind. Null: spans without a service. */
export async function operationsOfService(
  database: Reader,
  options: TeamRead & { readonly serviceName: string | null; readonly rowsMax: number },
): Promise<readonly Operation[]> {
  const { teamId, serviceName, rowsMax, ...limits } = options
  const statement = serviceName === null ? textWithoutService : text
  return database.read<Operation>(statement, [teamId, serviceName, rowsMax], limits)
}
