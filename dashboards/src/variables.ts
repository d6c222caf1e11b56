/** What a reader of a dashboard may choose. */
import {
  QueryVariableBuilder,
  TextBoxVariableBuilder,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { postgres } from './sources.ts'
import { tidy } from './target.ts'

/** "All" stands in a query as it is: quoted here, since Grafana leaves a custom value for it as it is. */
const everything = "'*'"

/** True for the rows of the users, models, … that are chosen; for all rows when all are. */
export function chosen(variable: string, column: string): string {
  return `(${everything} in (\${${variable}:sqlstring}) or ${column} in (\${${variable}:sqlstring}))`
}

export function several(
  name: string,
  options: { readonly label: string; readonly description: string; readonly sql: string },
): QueryVariableBuilder {
  return query(name, options)
    .multi(true)
    .includeAll(true)
    .allValue(everything)
    .current({ selected: true, text: 'All', value: '$__all' })
}

export function one(
  name: string,
  options: { readonly label: string; readonly description: string; readonly sql: string },
): QueryVariableBuilder {
  return query(name, options).multi(false).includeAll(false)
}

function query(
  name: string,
  options: { readonly label: string; readonly description: string; readonly sql: string },
): QueryVariableBuilder {
  const text = tidy(options.sql)
  return new QueryVariableBuilder(name)
    .label(options.label)
    .description(options.description)
    .datasource(postgres)
    .query(text)
    .definition(text)
    .refresh(VariableRefresh.OnTimeRangeChanged)
}

export const userVariable = several('user', {
  label: 'User',
  description: 'Whose turns, calls and changes.',
  sql: `
    select distinct user_id
      from sessions
     where last_record_at >= $__timeFrom() and started_at <= $__timeTo()
       and user_id is not null
     order by user_id
     limit 1000`,
})

export const modelVariable = several('model', {
  label: 'Model',
  description: 'The model that was asked for.',
  sql: `
    select distinct request_model
      from model_calls
     where $__timeFilter(started_at) and request_model is not null
     order by request_model
     limit 1000`,
})

/** Links lead there. */
export const receiverVariable = new TextBoxVariableBuilder('receiver')
  .label('Receiver')
  .description('Where the receiver’s own pages are, for links to them.')
  .defaultValue('http://127.0.0.1:4320')
