/** A receiver that a test can query as Jaeger's clients do, on a new database unless it is given one. */
import { expect } from 'vitest'
import { type Json, post, traceRequest } from '../../../test/support/otlp.ts'
import type { TestDatabase } from '../../../test/support/postgres.ts'
import {
  type ReceiverOptions,
  type TestReceiver,
  withReceiver,
} from '../../../test/support/receiver.ts'

export interface Stage extends AsyncDisposable {
  readonly database: TestDatabase
  readonly receiver: TestReceiver
  /** Of scope `read`. */
  readonly token: string
  /** Sends the token, unless other headers are given. */
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>
  /** The answer's JSON; fails unless the status is 200. */
  read(path: string): Promise<Json>
  land(request: Json): Promise<void>
  landSpans(spans: readonly Json[], resource?: Parameters<typeof traceRequest>[1]): Promise<void>
  /** Copies the trace's only span in the database, with new ids: landing many spans one by one would take a minute. */
  copySpan(traceId: string, copies: number): Promise<void>
}

export async function openStage(options: Partial<ReceiverOptions> = {}): Promise<Stage> {
  const { database, receiver } = await withReceiver(options)
  const token = await receiver.newToken({ scope: 'read' })
  const get: Stage['get'] = (path, headers = { authorization: `Bearer ${token}` }) =>
    fetch(receiver.url + path, { headers })
  const land: Stage['land'] = async (request) => {
    const answer = await post(receiver, 'traces', request)
    expect([answer.status, await answer.json()]).toEqual([200, {}])
  }
  return {
    database,
    receiver,
    token,
    get,
    async read(path) {
      const answer = await get(path)
      const text = await answer.text()
      expect([answer.status, answer.status === 200 ? '' : text]).toEqual([200, ''])
      return JSON.parse(text)
    },
    land,
    landSpans: (spans, resource = { 'service.name': 'app' }) => land(traceRequest(spans, resource)),
    async copySpan(traceId, copies) {
      const [row] = await database.query<{ columns: string }>(
        `select string_agg(
                  case column_name when 'span_id' then 'lpad(to_hex(n), 16, ''0'')' else column_name end,
                  ', ' order by ordinal_position) as columns
           from information_schema.columns
          where table_schema = current_schema() and table_name = 'spans'`,
      )
      await database.query(
        `insert into spans
         select ${row?.columns} from spans, generate_series(1, $2::int) n where trace_id = $1`,
        [traceId, copies],
      )
    },
    async [Symbol.asyncDispose]() {
      await receiver.close()
      if (options.database === undefined) await database[Symbol.asyncDispose]()
    },
  }
}
