/** The variables that a reader of a dashboard can choose. */
import {
  QueryVariableBuilder,
  TextBoxVariableBuilder,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { postgres } from './sources.ts'
import { tidy } from './target.ts'

/** The value of "All". It contains the quotes, since Grafana inserts this custom value into queries unchanged. */
const everything = "'*'"

/** A condition that is true for the chosen users, models, …, or for all rows if "All" is chosen. */
export function chosen(variable: string, column: string): string {
  return `(${everything} in (\${${variable}:sqlstring}) or ${column} in (\${${variable}:sqlstring}))`
}

interface QueryOptions {
  readonly label: string
  readonly description: string
  readonly sql: string
}

export function several(name: string, options: QueryOptions): QueryVariableBuilder {
  return query(name, options)
    .multi(true)
    .includeAll(true)
    .allValue(everything)
    .current({ selected: true, text: 'All', value: '$__all' })
}

export function one(name: string, options: QueryOptions): QueryVariableBuilder {
  return query(name, options).multi(false).includeAll(false)
}

function query(name: string, { label, description, sql }: QueryOptions): QueryVariableBuilder {
  const text = tidy(sql)
  return new QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource(postgres)
    .query(text)
    .definition(text)
    .refresh(VariableRefresh.OnTimeRangeChanged)
}

export const userVariable = several('user', {
  label: 'User',
  description: 'The owner of turns, calls and changes.',
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
  description: 'The requested model.',
  sql: `
    select distinct request_model
      from model_calls
     where $__timeFilter(started_at) and request_model is not null
     order by request_model
     limit 1000`,
})

/** The address for links to the receiver. */
export const receiverVariable = new TextBoxVariableBuilder('receiver')
  .label('Receiver')
  .description('The receiver’s address, for links to its pages.')
  .defaultValue('http://127.0.0.1:4320')
