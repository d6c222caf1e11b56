/** The few kinds of panels there are. Each has a title, a sentence that says what its numbers mean, and units. */

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

export interface Common {
  readonly title: string
  readonly description: string
  readonly sql: string
  /** Of 24. */
  readonly span?: number
  readonly height?: number
}

const noData = 'no data'

/** One number, or a few that belong together. */
export function stat(
  options: Common & {
    readonly unit: Unit
    readonly decimals?: number
    /** Red from here on. */
    readonly redFrom?: number
  },
): StatBuilder {
  const { redFrom } = options
  const panel = new StatBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(postgres)
    .withTarget(sqlTarget(options.sql, 'table'))
    .unit(options.unit)
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

/** Numbers over time. Bars for what is counted in each interval, lines for what is measured. */
export function series(
  options: Common & { readonly unit: Unit; readonly draw: 'bars' | 'lines' },
): TimeSeriesBuilder {
  const isBars = options.draw === 'bars'
  return new TimeSeriesBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(postgres)
    .withTarget(sqlTarget(options.sql, 'time_series'))
    .unit(options.unit)
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

export interface Column {
  readonly unit?: Unit
  readonly width?: number
  readonly links?: readonly Link[]
  /** Only there for links of other columns. */
  readonly hidden?: boolean
}

/** Rows. Every column that is not text has a unit. */
export function table(
  options: Common & { readonly columns?: Readonly<Record<string, Column>> },
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

function propertiesOf({ unit, width, links, hidden }: Column): DynamicConfigValue[] {
  const properties: DynamicConfigValue[] = []
  if (unit !== undefined) properties.push({ id: 'unit', value: unit })
  if (width !== undefined) properties.push({ id: 'custom.width', value: width })
  if (links !== undefined) properties.push({ id: 'links', value: links })
  if (hidden === true) properties.push({ id: 'custom.hidden', value: true })
  return properties
}

/** A trace as Jaeger shows it. The SDK has no builder for this kind. */
export function trace(options: Omit<Common, 'sql'> & { readonly traceId: string }): PanelBuilder {
  return new PanelBuilder()
    .type('traces')
    .title(options.title)
    .description(options.description)
    .datasource(jaeger)
    .withTarget(traceTarget(options.traceId))
    .span(options.span ?? 24)
    .height(options.height ?? 18)
}
