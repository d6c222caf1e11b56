/** The options of `runTurnlog`; `main.ts` passes the real ones, tests pass stand-ins. */
import type { OpenAccess } from './access.ts'
import type { Settings } from './settings.ts'

export interface TurnlogOptions {
  readonly settings: Settings
  readonly commands: Readonly<Record<'receiver' | 'example', readonly [string, ...string[]]>>
  readonly openAccess: OpenAccess
  readonly environment: NodeJS.ProcessEnv
  /** The repository, where the children are started. */
  readonly folder: string
  /** Prints one line for the user; a `problem` goes to standard error. */
  readonly say: (line: string, kind?: 'problem') => void
  /** Aborted when Turnlog is asked to stop. */
  readonly signal: AbortSignal
}
