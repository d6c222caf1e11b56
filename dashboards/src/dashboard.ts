/** The common parts of all dashboards. */
import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  type Panel,
  RowBuilder,
  type VariableModel,
} from '@grafana/grafana-foundation-sdk/dashboard'

export interface Section {
  readonly title: string
  readonly panels: readonly Builder<Panel>[]
}

export interface DashboardOptions {
  /** Also the name of its file. */
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly from: string
  readonly variables: readonly Builder<VariableModel>[]
  readonly sections: readonly Section[]
}

const tag = 'turnlog'

export function dashboard(options: DashboardOptions): Dashboard {
  const builder = new DashboardBuilder(options.title)
    .uid(options.uid)
    .description(options.description)
    .tags([tag])
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: options.from, to: 'now' })
    .link(otherDashboards())
  for (const variable of options.variables) builder.withVariable(variable)
  for (const { title, panels } of options.sections) {
    builder.withRow(new RowBuilder(title))
    for (const panel of panels) builder.withPanel(panel)
  }
  return numbered(builder.build())
}

function otherDashboards(): DashboardLinkBuilder {
  return new DashboardLinkBuilder('Turnlog')
    .type(DashboardLinkType.Dashboards)
    .tags([tag])
    .asDropdown(true)
    .keepTime(true)
}

/** Links to a panel need its number, which is its position. */
function numbered(built: Dashboard): Dashboard {
  const panels = built.panels ?? []
  return { ...built, panels: panels.map((panel, index) => ({ ...panel, id: index + 1 })) }
}
