/** Every query of the dashboards, with its location. */
import { dashboards } from '../../src/index.ts'
import { postgres } from '../../src/sources.ts'
import { type Expansion, expand } from './expand.ts'

export interface Query {
  /** `turnlog-overview: Turns` */
  readonly name: string
  readonly text: string
  readonly kind: 'variable' | 'table' | 'time_series'
  readonly panel: Panel | undefined
}

/** The form in the JSON, which the SDK's types do not describe. */
export interface Panel {
  readonly id?: number
  readonly type: string
  readonly title?: string
  readonly description?: string
  readonly datasource?: { readonly type?: string; readonly uid?: string }
  readonly targets?: readonly Target[]
  readonly fieldConfig?: {
    readonly defaults: { readonly unit?: string }
    readonly overrides: readonly {
      readonly matcher: { readonly id: string; readonly options: string }
      readonly properties: readonly { readonly id: string; readonly value: unknown }[]
    }[]
  }
}

export interface Target {
  readonly datasource?: { readonly type?: string; readonly uid?: string }
  readonly refId?: string
  readonly rawSql?: string
  readonly format?: 'table' | 'time_series'
  readonly query?: string
}

export interface DashboardJson {
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly panels: readonly Panel[]
  readonly templating: {
    readonly list?: readonly {
      readonly type: string
      readonly name: string
      readonly query: string
      readonly datasource?: { readonly uid?: string }
    }[]
  }
}

/** The dashboards' files, parsed. */
export const files: readonly DashboardJson[] = dashboards.map((dashboard) =>
  JSON.parse(JSON.stringify(dashboard)),
)

export const queries: readonly Query[] = files.flatMap(({ uid, panels, templating }) => [
  ...(templating.list ?? [])
    .filter(({ type }) => type === 'query')
    .map(({ name, query }) => ({
      name: `${uid}: $${name}`,
      text: query,
      kind: 'variable' as const,
      panel: undefined,
    })),
  ...panels.flatMap((panel) =>
    (panel.targets ?? [])
      .filter(({ datasource }) => datasource?.uid === postgres.uid)
      .map(({ rawSql = '', format = 'table' }) => ({
        name: `${uid}: ${panel.title}`,
        text: rawSql,
        kind: format,
        panel,
      })),
  ),
])

/** The default choice: all users, all models, and the given session. */
export function expandQuery(
  { text }: Query,
  options: Pick<Expansion, 'range'> & {
    readonly session: string
    readonly users?: readonly string[]
    readonly models?: readonly string[]
  },
): string {
  const { range, session, users = "'*'", models = "'*'" } = options
  const intervalSeconds = Math.ceil((range.to.getTime() - range.from.getTime()) / 100_000)
  const variables = { user: users, model: models, session: [session] }
  return expand(text, { range, intervalSeconds, variables })
}
