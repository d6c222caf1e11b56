/** Which messages are in these lists? Returns each link once, back to the first, however many lists share it. */
import type { Reader, TeamRead } from '../database.ts'

export interface MessageLink {
  readonly sha256: string
  readonly previous: string | null
  readonly position: number
  /** The message's hash; its size is null when it has not arrived. */
  readonly message: string
  readonly size: number | null
}

/**
 * Each step requires a lower position, so the walk ends whatever the links are. Lateral joins look up each row by its key,
 * also while the planner has no statistics of the table.
 */
const text = `
  with recursive walk as (
    select h.sha256, h.previous, h.message, h.position
      from unnest($3::bytea[]) k (sha256)
     cross join lateral (
       select n.sha256, n.previous, n.message, n.position
         from message_links n
        where n.team_id = $1 and n.day = $2::date and n.sha256 = k.sha256   -- index: message_links_pkey
        limit 1
     ) h
    union
    select l.sha256, l.previous, l.message, l.position
      from walk w
     cross join lateral (
       select n.sha256, n.previous, n.message, n.position
         from message_links n
        where n.team_id = $1 and n.day = $2::date and n.sha256 = w.previous
          and n.position = w.position - 1
        limit 1
     ) l
  )
  select encode(w.sha256, 'hex') as sha256,
         encode(w.previous, 'hex') as previous,
         w.position,
         encode(w.message, 'hex') as message,
         c.size
    from walk w
    left join lateral (
      select m.size
        from contents m
       where m.team_id = $1 and m.day = $2::date and m.sha256 = w.message and m.part = 0
       limit 1
    ) c on true
   order by w.position`

/** In the order of their positions. */
export async function messageLinks(
  database: Reader,
  options: TeamRead & { readonly day: string; readonly lists: readonly string[] },
): Promise<readonly MessageLink[]> {
  const { teamId, day, lists, ...limits } = options
  if (lists.length === 0) return []
  const heads = lists.map((hash) => Buffer.from(hash, 'hex'))
  return database.read<MessageLink>(text, [teamId, day, heads], limits)
}
