import type { Settings } from './settings.ts'

/** The environment of each child: ours plus its settings, minus the secrets that only the other child needs. */

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

/** Telemetry settings that are not set here, such as TELEMETRY_ENABLED, pass through unchanged. */
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
