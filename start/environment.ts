import type { Settings } from './settings.ts'

/** What each child is told besides what we were told ourselves. Neither gets secrets that only the other needs. */

export function receiverEnvironment({
  environment,
  settings,
  databaseUrl,
}: {
  environment: NodeJS.ProcessEnv
  settings: Settings
  databaseUrl: string
}): NodeJS.ProcessEnv {
  const { ANTHROPIC_API_KEY: _, ...rest } = environment
  return {
    ...rest,
    DATABASE_URL: databaseUrl,
    TURNLOG_RECEIVER_PORT: String(settings.receiverPort),
    TURNLOG_DATA: settings.dataFolder,
  }
}

/** Settings of its telemetry that name no place, such as TELEMETRY_ENABLED, pass through. */
export function exampleEnvironment({
  environment,
  settings,
  receiverUrl,
  token,
}: {
  environment: NodeJS.ProcessEnv
  settings: Settings
  receiverUrl: string
  token: string
}): NodeJS.ProcessEnv {
  const { DATABASE_URL: _, ...rest } = environment
  return {
    ...rest,
    EXAMPLE_PORT: String(settings.examplePort),
    EXAMPLE_WORKSPACE: settings.workspace,
    TELEMETRY_ENDPOINT: receiverUrl,
    TELEMETRY_TOKEN: token,
    TELEMETRY_WORKSPACE: settings.workspace,
    TELEMETRY_SPOOL_DIRECTORY: settings.spoolFolder,
  }
}
