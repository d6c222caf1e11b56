/** All settings of the app. Only this file reads them from the environment. */

import { resolve } from 'node:path'

export interface Config {
  /** 0 is any free port. */
  readonly port: number
  readonly workspace: string
  readonly model: ModelConfig
}

export type ModelConfig =
  | { readonly kind: 'scripted'; readonly name: string }
  | {
      readonly kind: 'api'
      readonly name: string
      readonly apiKey: string
      /** Undefined for the real API. */
      readonly baseUrl: string | undefined
    }

export type ReadConfig =
  | { readonly status: 'ok'; readonly config: Config }
  | { readonly status: 'invalid'; readonly reason: string }

const portDefault = 8000
const modelDefault = 'claude-sonnet-5-5'
const scriptedModelDefault = 'scripted-model'

/** An empty variable counts as absent. Paths are relative to the working directory. */
export function readConfig(environment: NodeJS.ProcessEnv, directory: string): ReadConfig {
  const setting = (name: string): string | undefined => environment[name]?.trim() || undefined

  const port = Number(setting('EXAMPLE_PORT') ?? portDefault)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    return invalid(`EXAMPLE_PORT must be a port, 0 to 65535, not '${setting('EXAMPLE_PORT')}'.`)
  }
  const baseUrl = setting('ANTHROPIC_BASE_URL')
  if (baseUrl !== undefined && !/^https?:$/.test(URL.parse(baseUrl)?.protocol ?? '')) {
    return invalid('ANTHROPIC_BASE_URL must be an http or https URL.')
  }
  const apiKey = setting('ANTHROPIC_API_KEY')
  const name = setting('EXAMPLE_MODEL')
  return {
    status: 'ok',
    config: {
      port,
      workspace: resolve(directory, setting('EXAMPLE_WORKSPACE') ?? 'workspace'),
      model:
        apiKey === undefined && baseUrl === undefined
          ? { kind: 'scripted', name: name ?? scriptedModelDefault }
          : {
              kind: 'api',
              name: name ?? modelDefault,
              // The SDK requires a key, even for a local stand-in that ignores it.
              apiKey: apiKey ?? 'none',
              baseUrl,
            },
    },
  }
}

function invalid(reason: string): ReadConfig {
  return { status: 'invalid', reason }
}
