/** The kinds of panels. Each has a title, a description that explains its numbers, and units. */

import type * as common from '@grafana/grafana-foundation-sdk/common'
import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
} from '@grafana/grafana-foundation-sdk/common'
import {
  type DynamicConfigValue,
  PanelBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import type { Link } from './links.ts'
import { jaeger, postgres } from './sources.ts'
import { sqlTarget, traceTarget } from './target.ts'

/** Units as Grafana names them. `none` is a plain number, `short` one with k and M. */
export type Unit = 'none' | 'short' | 's' | 'percentunit' | 'bytes' | 'dateTimeAsIso' | 'string'

interface Common {
  readonly title: string
  readonly description: string
  readonly sql: string
  readonly unit?: Unit
  /** The width, in 24ths of the page. */
  readonly span?: number
  readonly height?: number
}

const noData = 'no data'

/** One number, or a few related numbers. */
export function stat(
  options: Common & {
    readonly decimals?: number
    /** Values from this one on are red. */
    readonly redFrom?: number
  },
): StatBuilder {
  const { redFrom } = options
  const panel = new StatBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(postgres)
    .withTarget(sqlTarget(options.sql, 'table'))
    .unit(options.unit ?? 'short')
    .noValue(noData)
    .span(options.span ?? 4)
    .height(options.height ?? 4)
    .graphMode(BigValueGraphMode.None)
    .colorMode(redFrom === undefined ? BigValueColorMode.None : BigValueColorMode.Value)
    .reduceOptions({ build: () => ({ calcs: ['lastNotNull'], fields: '', values: false }) })
  if (options.decimals !== undefined) panel.decimals(options.decimals)
  if (redFrom !== undefined) panel.thresholds(redAbove(redFrom))
  return panel
}

function redAbove(value: number): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
    { value: null, color: 'green' },
    { value, color: 'red' },
  ])
}

/** Counts per interval. */
export function bars(options: Common): TimeSeriesBuilder {
  return series(options, true)
}

/** Measured values over time. */
export function lines(options: Common): TimeSeriesBuilder {
  return series(options, false)
}

function series(options: Common, isBars: boolean): TimeSeriesBuilder {
  return new TimeSeriesBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(postgres)
    .withTarget(sqlTarget(options.sql, 'time_series'))
    .unit(options.unit ?? 'short')
    .noValue(noData)
    .span(options.span ?? 12)
    .height(options.height ?? 8)
    .min(0)
    .drawStyle(isBars ? GraphDrawStyle.Bars : GraphDrawStyle.Line)
    .fillOpacity(isBars ? 60 : 0)
    .lineWidth(isBars ? 0 : 2)
    .showPoints(isBars ? VisibilityMode.Never : VisibilityMode.Auto)
    .spanNulls(false)
    .stacking(stacking(isBars))
    .interval('1m')
    .legend(legend)
    .tooltip(tooltip)
}

function stacking(isStacked: boolean) {
  const mode = isStacked ? StackingMode.Normal : StackingMode.None
  return { build: (): common.StackingConfig => ({ mode, group: 'A' }) }
}

const legend = {
  build: (): common.VizLegendOptions => ({
    displayMode: LegendDisplayMode.List,
    placement: LegendPlacement.Bottom,
    showLegend: true,
    calcs: [],
  }),
}
const tooltip = {
  build: (): common.VizTooltipOptions => ({
    mode: TooltipDisplayMode.Multi,
    sort: 'desc' as common.SortOrder,
  }),
}

interface Column {
  readonly unit?: Unit
  readonly width?: number
  readonly links?: readonly Link[]
}

/** Rows of a query. Every column that is not text has a unit. */
export function table(
  options: Omit<Common, 'unit'> & { readonly columns?: Readonly<Record<string, Column>> },
): TableBuilder {
  const panel = new TableBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(postgres)
    .withTarget(sqlTarget(options.sql, 'table'))
    .noValue('')
    .span(options.span ?? 24)
    .height(options.height ?? 9)
    .filterable(true)
  for (const [name, column] of Object.entries(options.columns ?? {})) {
    panel.overrideByName(name, propertiesOf(column))
  }
  return panel
}

function propertiesOf({ unit, width, links }: Column): DynamicConfigValue[] {
  const properties: DynamicConfigValue[] = []
  if (unit !== undefined) properties.push({ id: 'unit', value: unit })
  if (width !== undefined) properties.push({ id: 'custom.width', value: width })
  if (links !== undefined) properties.push({ id: 'links', value: links })
  return properties
}

/** Columns that share a unit. */
export function each(unit: Unit, ...names: readonly string[]): Readonly<Record<string, Column>> {
  return Object.fromEntries(names.map((name) => [name, { unit }]))
}

/** SQL for the columns `p50` and `p95`, indented like the columns of the panels' queries. */
export function quantiles(expression: string): string {
  return `percentile_cont(0.5) within group (order by ${expression}) as p50,
             percentile_cont(0.95) within group (order by ${expression}) as p95`
}

/** A query for `lines`: the quantiles of an interval per interval of the panel. */
export function quantilesOverTime(query: {
  readonly of: string
  readonly at: string
  readonly from: string
  readonly where: string
}): string {
  return `
      select $__timeGroupAlias(${query.at}, $__interval, NULL),
             ${quantiles(`extract(epoch from ${query.of})`)}
        from ${query.from}
       where ${query.where}
       group by 1
       order by 1`
}

/** How long spans took to land. `and` continues the query's condition, `note` the description. */
export function commitDelay(and = '', note = ''): TimeSeriesBuilder {
  return lines({
    title: 'From the end of a span to its commit',
    description: `By the start time of the span: 50 % (p50) and 95 % (p95) took no longer.${note}`,
    unit: 's',
    sql: quantilesOverTime({
      of: 'landed_at - coalesce(end_time, start_time)',
      at: 'start_time',
      from: 'spans',
      where: `$__timeFilter(start_time)${and}`,
    }),
  })
}

/** A trace as Jaeger shows it. The SDK has no builder for this kind. */
export function trace(
  options: Omit<Common, 'sql' | 'unit'> & { readonly traceId: string },
): PanelBuilder {
  return new PanelBuilder()
    .type('traces')
    .title(options.title)
    .description(options.description)
    .datasource(jaeger)
    .withTarget(traceTarget(options.traceId))
    .span(options.span ?? 24)
    .height(options.height ?? 18)
}
