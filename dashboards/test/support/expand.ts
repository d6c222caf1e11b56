/**
 * Turns a panel's query into the SQL that Grafana sends to PostgreSQL. First variables are inserted as by Grafana's page
 * (`sqlstring`, "All" unchanged), then macros are replaced as by its PostgreSQL plugin, with the same patterns in the same
 * order. npm has neither of these.
 */

export interface Range {
  readonly from: Date
  readonly to: Date
}

export interface Expansion {
  readonly range: Range
  /** The value of `$__interval`; Grafana computes it from the time range and the panel's width. */
  readonly intervalSeconds: number
  /** A list for a variable of several values; a string is inserted unchanged. */
  readonly variables: Readonly<Record<string, string | readonly string[]>>
}

/** Throws on an unknown variable or macro, for which Grafana would show an error. */
export function expand(text: string, expansion: Expansion): string {
  const withVariables = putIn(text, expansion.variables)
  const interval = `${expansion.intervalSeconds}s`
  const withInterval = withVariables.replaceAll('$__interval', interval)
  return withInterval.replace(/\$([_a-zA-Z0-9]+)\(([^)]*)\)/g, (_, name: string, list: string) => {
    const args = list.split(',').map((argument) => argument.trim())
    return macro(name, args, expansion.range)
  })
}

function putIn(text: string, variables: Expansion['variables']): string {
  return text.replace(/\$\{(\w+)(?::(\w+))?\}/g, (_, name: string, format: string | undefined) => {
    const value = variables[name]
    if (value === undefined) throw new Error(`There is no variable '${name}'.`)
    if (typeof value === 'string') return value
    if (format !== 'sqlstring') throw new Error(`'${name}' stands in SQL unquoted.`)
    return value.map((each) => `'${each.replaceAll("'", "''")}'`).join(',')
  })
}

function macro(name: string, args: readonly string[], { from, to }: Range): string {
  const [column = '', interval = ''] = args
  switch (name) {
    case '__timeFilter':
      return `${column} BETWEEN ${moment(from)} AND ${moment(to)}`
    case '__timeFrom':
      return moment(from)
    case '__timeTo':
      return moment(to)
    case '__timeGroup':
      return `floor(extract(epoch from ${column})/${seconds(interval)})*${seconds(interval)}`
    case '__timeGroupAlias':
      return `${macro('__timeGroup', args, { from, to })} AS "time"`
    default:
      throw new Error(`There is no macro '${name}'.`)
  }
}

function moment(date: Date): string {
  return `'${date.toISOString()}'`
}

function seconds(interval: string): number {
  const [, count, unit] = /^'?(\d+)([smhd])'?$/.exec(interval) ?? []
  const unitSeconds = { s: 1, m: 60, h: 3_600, d: 86_400 }[unit ?? '']
  if (unitSeconds === undefined) throw new Error(`'${interval}' is no interval.`)
  return Number(count) * unitSeconds
}
