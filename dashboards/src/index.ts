/** All dashboards, and the text of their files. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { changes } from './changes.ts'
import { completeness } from './completeness.ts'
import { overview } from './overview.ts'
import { receiver } from './receiver.ts'
import { session } from './session.ts'

export const dashboards: readonly Dashboard[] = [overview, session, changes, completeness, receiver]

/** By the name of the file. */
export const made: ReadonlyMap<string, string> = new Map(
  dashboards.map((dashboard) => [
    `${dashboard.uid}.json`,
    `${JSON.stringify(dashboard, null, 2)}\n`,
  ]),
)
