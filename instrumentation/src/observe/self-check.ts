/**
 * Checks what of the app is observed, and records it: with `session.start`, and again when that has changed after the app
 * has called a model, since then its SDKs are loaded. A function of Node is observed if it is not the one that was there
 * before the observers began; a channel, if somebody listens to it.
 */
import { ChildProcess } from 'node:child_process'
import { channel } from 'node:diagnostics_channel'
import { createRequire } from 'node:module'
import { Socket } from 'node:net'
import { isMainThread } from 'node:worker_threads'
import { type Logger, ROOT_CONTEXT } from '@opentelemetry/api'
import { type AttributeName, severity } from '@turnlog/conventions'
import { quietly } from '../health.ts'
import { distribution } from '../identity.ts'
import type { After } from '../record/delayed-ends.ts'
import { isIntegrationOffered } from './framework-calls.ts'
import { hostHasItsOwn } from './host-telemetry.ts'
import { packageVersions } from './package-versions.ts'

/** After a call to a model; the SDK may be loading the rest of its modules. */
const checkAfterMs = 1_000
/** Not more often. */
const checksApartMs = 60_000

type State = 'bound' | { readonly not: string }

export interface SelfCheckOptions {
  /** A setting has switched the observation of child processes off. */
  readonly hasChildProcesses: boolean
  readonly clock: () => number
  readonly after: After
}

export type SelfCheckAttributes = { [Name in AttributeName]?: string | string[] }

export class SelfCheck {
  readonly #options: SelfCheckOptions
  readonly #replaced = functionsOfNode()
  #logger: Logger | undefined
  #last = ''
  #checkedAt: number | undefined
  #pending: { cancel(): void } | undefined
  #hasModel: boolean = false

  /** Must be made before the observers begin. */
  constructor(options: SelfCheckOptions) {
    this.#options = options
  }

  /** The first check, for `session.start`; later ones are records of `logger`. */
  begin(logger: Logger): SelfCheckAttributes {
    this.#logger = logger
    const attributes = this.#attributes()
    this.#last = JSON.stringify(attributes)
    return attributes
  }

  /** The app calls a model. */
  modelCalled(): void {
    if (!isMainThread || this.#pending !== undefined || this.#logger === undefined) return
    this.#hasModel = true
    const { after, clock } = this.#options
    const since = this.#checkedAt === undefined ? checksApartMs : clock() - this.#checkedAt
    if (since < checksApartMs) return
    this.#pending = after(checkAfterMs, () => this.finish())
  }

  /** Makes the check that waits, if there is one. */
  finish(): void {
    if (this.#pending === undefined) return
    this.#pending.cancel()
    this.#pending = undefined
    this.#checkedAt = this.#options.clock()
    quietly('check what is observed', () => this.#checkAgain())
  }

  #checkAgain(): void {
    const attributes = this.#attributes()
    const json = JSON.stringify(attributes)
    if (json === this.#last) return
    this.#last = json
    this.#logger?.emit({
      eventName: 'turnlog.self_check',
      severityNumber: severity.info,
      context: ROOT_CONTEXT,
      attributes,
    })
  }

  #attributes(): SelfCheckAttributes {
    const states = this.#states()
    const bound = states.flatMap(([part, state]) => (state === 'bound' ? [part] : []))
    const others = states.flatMap(([part, state]) =>
      state === 'bound' ? [] : [[part, state.not] as const],
    )
    const versions = {
      node: process.versions.node,
      undici: process.versions.undici,
      turnlog: distribution.version,
      ...(this.#hasModel ? packageVersions() : {}),
    }
    return {
      'turnlog.self_check.bound': bound,
      ...(others.length === 0
        ? {}
        : { 'turnlog.self_check.not_bound': JSON.stringify(Object.fromEntries(others)) }),
      'turnlog.self_check.versions': JSON.stringify(versions),
    }
  }

  #states(): readonly (readonly [part: string, state: State])[] {
    const { hasChildProcesses } = this.#options
    return [
      ...this.#replaced.map(({ part, isReplaced }) => {
        if (part === 'child_processes' && !hasChildProcesses) {
          return [part, { not: 'switched_off' }] as const
        }
        return [part, isReplaced() ? 'bound' : { not: 'not_replaced' }] as const
      }),
      ...Object.entries(channels).map(([part, name]) => {
        return [part, channel(name).hasSubscribers ? 'bound' : { not: 'no_channel' }] as const
      }),
      ['ai_sdk', isIntegrationOffered() ? 'bound' : { not: 'not_offered' }],
      ['tracer_provider', hostHasItsOwn() ? { not: 'of_the_app' } : 'bound'],
    ]
  }
}

const channels = {
  http_servers: 'http.server.request.start',
  http_clients: 'http.client.request.created',
  undici: 'undici:request:create',
}

/** The functions of Node that stand for a part of it, each as it is before it is observed. */
function functionsOfNode() {
  const require = createRequire(import.meta.url)
  const places: readonly (readonly [part: string, target: object, name: string])[] = [
    ['fs', require('node:fs'), 'writeFileSync'],
    ['child_processes', ChildProcess.prototype, 'spawn'],
    ['worker_threads', require('node:worker_threads'), 'Worker'],
    ['websockets', Socket.prototype, 'on'],
    ['http2_clients', require('node:http2'), 'connect'],
  ]
  return places.map(([part, target, name]) => {
    const original: unknown = Reflect.get(target, name)
    return { part, isReplaced: () => Reflect.get(target, name) !== original }
  })
}
