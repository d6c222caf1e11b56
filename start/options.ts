/** What `npm start` is handed, and tests hand in its place. */
import type { OpenAccess } from './access.ts'
import type { Settings } from './settings.ts'

export interface Commands {
  readonly receiver: readonly [string, ...string[]]
  readonly example: readonly [string, ...string[]]
}

export interface TurnlogOptions {
  readonly settings: Settings
  readonly commands: Commands
  readonly openAccess: OpenAccess
  readonly environment: NodeJS.ProcessEnv
  /** The repository, where the children are started. */
  readonly folder: string
  /** One line for the user; `problem` is one that something is wrong with. */
  readonly say: (line: string, kind?: 'problem') => void
  /** Aborted when it shall stop. */
  readonly signal: AbortSignal
}
