/** All settings of the app. Only this file reads them from the environment. */

import { resolve } from 'node:path'
import { type ModelApi, modelApis } from './agent/models/model.ts'

export interface Config {
  /** 0 is any free port. */
  readonly port: number
  readonly workspace: string
  readonly model: ModelConfig
}

export type ModelConfig =
  | { readonly kind: 'scripted'; readonly api: ModelApi; readonly name: string }
  | {
      readonly kind: 'api'
      readonly api: ModelApi
      readonly name: string
      readonly apiKey: string
      /** Undefined for the real API. */
      readonly baseUrl: string | undefined
    }

export type ReadConfig =
  | { readonly status: 'ok'; readonly config: Config }
  | { readonly status: 'invalid'; readonly reason: string }

const portDefault = 8000
const scriptedModelDefault = 'scripted-model'

const openAi = { key: 'OPENAI_API_KEY', baseUrl: 'OPENAI_BASE_URL', model: 'gpt-5.5' }

/** Each API: the variables of its key and its address, as its SDK names them, and the model that is asked by default. */
const apis: Readonly<Record<ModelApi, typeof openAi>> = {
  anthropic: {
    key: 'ANTHROPIC_API_KEY',
    baseUrl: 'ANTHROPIC_BASE_URL',
    model: 'claude-sonnet-5-5',
  },
  openai: openAi,
  responses: openAi,
  gemini: {
    key: 'GEMINI_API_KEY',
    baseUrl: 'GOOGLE_GEMINI_BASE_URL',
    model: 'gemini-3.8-flash',
  },
}

/** An empty variable counts as absent. Paths are relative to the working directory. */
export function readConfig(environment: NodeJS.ProcessEnv, directory: string): ReadConfig {
  const setting = (name: string): string | undefined => environment[name]?.trim() || undefined

  const port = Number(setting('EXAMPLE_PORT') ?? portDefault)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    return invalid(`EXAMPLE_PORT must be a port, 0 to 65535, not '${setting('EXAMPLE_PORT')}'.`)
  }
  const given = setting('EXAMPLE_MODEL_API') ?? modelApis[0]
  const api = modelApis.find((each) => each === given)
  if (api === undefined) {
    return invalid(`EXAMPLE_MODEL_API must be one of ${modelApis.join(', ')}, not '${given}'.`)
  }
  const baseUrl = setting(apis[api].baseUrl)
  if (baseUrl !== undefined && !/^https?:$/.test(URL.parse(baseUrl)?.protocol ?? '')) {
    return invalid(`${apis[api].baseUrl} must be an http or https URL.`)
  }
  const apiKey = setting(apis[api].key)
  const name = setting('EXAMPLE_MODEL')
  return {
    status: 'ok',
    config: {
      port,
      workspace: resolve(directory, setting('EXAMPLE_WORKSPACE') ?? 'workspace'),
      model:
        apiKey === undefined && baseUrl === undefined
          ? { kind: 'scripted', api, name: name ?? scriptedModelDefault }
          : {
              kind: 'api',
              api,
              name: name ?? apis[api].model,
              // The SDKs require a key, even for a local stand-in that ignores it.
              apiKey: apiKey ?? 'none',
              baseUrl,
            },
    },
  }
}

function invalid(reason: string): ReadConfig {
  return { status: 'invalid', reason }
}
