/** Checks the Collector's configurations without running a Collector. */

import { readdirSync, readFileSync } from 'node:fs'
import * as path from 'node:path'
import { settingRows } from '@turnlog/conventions/settings'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { queueBytesBounds, settings } from '../collector/settings.ts'
import { settings as receiverSettings } from '../receiver/src/config.ts'

const root = path.resolve(import.meta.dirname, '..')

type Mapping = { readonly [key: string]: unknown }

const text = (file: string): string => readFileSync(path.join(root, file), 'utf8')
const base = 'otel-collector-config.yaml'
const overlays = readdirSync(path.join(root, 'collector'))
  .filter((name) => name.endsWith('.yaml') && name !== 'builder.yaml')
  .map((name) => `collector/${name}`)
const variants = [[base], ...overlays.map((overlay) => [base, overlay])]

test.each(variants)(
  '%s %s: memory_limiter comes first in each pipeline, and nothing batches',
  (...files) => {
    const pipelines = Object.entries(at(merged(files), 'service', 'pipelines') as Mapping)
    expect(pipelines.map(([name]) => name)).toEqual(
      expect.arrayContaining(['traces', 'logs', 'metrics']),
    )
    for (const [name, pipeline] of pipelines) {
      const { processors, exporters } = pipeline as { processors: string[]; exporters: string[] }
      expect(processors[0], name).toBe('memory_limiter')
      if (exporters.includes('otlp_http/receiver')) {
        expect(processors, name).toEqual(['memory_limiter'])
        expect(exporters, name).toEqual(['otlp_http/receiver'])
      }
    }
    expect(
      at(merged(files), 'exporters', 'otlp_http/receiver', 'sending_queue'),
    ).not.toHaveProperty('batch')
  },
)

test.each(variants)(
  '%s %s: the queue is on disk, well below its file’s limit, and gives nothing up',
  (...files) => {
    const whole = merged(files)
    const queue = at(whole, 'exporters', 'otlp_http/receiver', 'sending_queue') as Mapping
    expect(queue).toMatchObject({
      enabled: true,
      storage: 'file_storage/queue',
      sizer: 'bytes',
      block_on_overflow: true,
      wait_for_result: false,
    })
    const storage = at(whole, 'extensions', 'file_storage/queue') as Mapping
    expect(queue.queue_size).toContain(`{env:${settings.queueBytesMax.env}:-`)
    expect(queueBytesBounds.max).toBeLessThanOrEqual(0.4 * Number(storage.max_size))
    const { rebound_needed_threshold_mib, rebound_trigger_threshold_mib } =
      storage.compaction as Mapping
    // Otherwise a file would be compacted again and again.
    expect(Number(rebound_trigger_threshold_mib)).toBeLessThan(Number(rebound_needed_threshold_mib))
    expect(storage).toMatchObject({ fsync: true, recreate: true, directory_permissions: '0700' })
    expect(storage.compaction).toMatchObject({
      on_start: true,
      on_rebound: true,
      cleanup_on_start: true,
      directory: storage.directory,
    })
    expect(at(whole, 'exporters', 'otlp_http/receiver', 'retry_on_failure')).toMatchObject({
      enabled: true,
      max_elapsed_time: 0,
    })
  },
)

test.each(variants)(
  '%s %s: every component that is used is there, and every extension is started',
  (...files) => {
    const whole = merged(files)
    const keys = (section: string) => Object.keys((at(whole, section) ?? {}) as Mapping)
    const pipelines = Object.values(at(whole, 'service', 'pipelines') as Mapping) as Mapping[]
    for (const section of ['receivers', 'processors', 'exporters']) {
      const used = new Set(pipelines.flatMap((pipeline) => pipeline[section] as string[]))
      expect(used, section).toEqual(new Set(keys(section)))
    }
    expect(new Set(at(whole, 'service', 'extensions') as string[])).toEqual(
      new Set(keys('extensions')),
    )
  },
)

test('traces are sent to Jaeger in the background, from memory, and without retries', () => {
  const whole = merged([base, 'collector/jaeger.yaml'])
  expect(at(whole, 'service', 'pipelines', 'traces/jaeger')).toEqual({
    receivers: ['otlp'],
    processors: ['memory_limiter', 'batch/jaeger'],
    exporters: ['otlp_http/jaeger'],
  })
  const exporter = at(whole, 'exporters', 'otlp_http/jaeger') as Mapping
  expect(exporter.retry_on_failure).toEqual({ enabled: false })
  expect(exporter.sending_queue).toMatchObject({ block_on_overflow: false })
  expect(exporter.sending_queue).not.toHaveProperty('storage')
  expect(exporter.timeout).toMatch(/^[1-5]s$/)
})

test('a gateway requires a token on both protocols', () => {
  const protocols = at(merged([base, 'collector/gateway.yaml']), 'receivers', 'otlp', 'protocols')
  for (const protocol of Object.values(protocols as Mapping)) {
    expect(protocol).toMatchObject({ auth: { authenticator: 'bearertokenauth/users' } })
    expect(protocol).not.toHaveProperty('include_metadata')
  }
})

test('the limit of a body is the receiver’s, on both protocols', () => {
  const bytesMax = receiverSettings.bodyBytesMax.default
  const protocols = at(merged([base]), 'receivers', 'otlp', 'protocols') as Mapping
  expect(protocols.http).toMatchObject({ max_request_body_size: bytesMax })
  expect(protocols.grpc).toMatchObject({ max_recv_msg_size_mib: bytesMax / 1024 ** 2 })
})

test('no configuration contains a token', () => {
  for (const [name, extension] of variants.flatMap((files) =>
    Object.entries(at(merged(files), 'extensions') as Mapping),
  )) {
    const { token = '', tokens = [] } = extension as { token?: string; tokens?: string[] }
    expect(token, name).toMatch(/^(\$\{env:\w+\})?$/)
    expect(tokens, name).toEqual([])
  }
})

test('the variables that are read are those that are documented, with the same defaults', () => {
  const known = new Map(
    settingRows(settings).map(({ env, default: value }) => [
      env,
      value === 'none' ? undefined : value.replaceAll('`', ''),
    ]),
  )
  const read = [base, ...overlays].flatMap((file) =>
    [...text(file).matchAll(/\$\{env:(\w+)(?::-([^}]*))?\}/g)].map(([, name, value]) => ({
      name: name ?? '',
      value,
    })),
  )
  expect(read.length).toBeGreaterThan(10)
  for (const { name, value } of read)
    expect({ name, value: known.get(name) }).toEqual({ name, value })
  const npmOnly = new Set<string>([settings.program.env])
  const names = new Set(read.map(({ name }) => name))
  expect([...known.keys()].filter((name) => !npmOnly.has(name) && !names.has(name))).toEqual([])
})

test('by default everything is sent to the receiver’s default address', () => {
  const { host, port } = receiverSettings
  expect(settings.receiver.default).toBe(`http://${host.default}:${port.default}`)
})

test('the environment variables that a document names exist', () => {
  const known = new Set<string>(
    [...Object.values(settings), ...Object.values(receiverSettings)].map(({ env }) => env),
  )
  const documents = [base, ...overlays, 'collector/README.md', 'README.md']
  const unknown = documents.flatMap((file) =>
    [...text(file).matchAll(/\bTURNLOG_[A-Z_]+\b/g)]
      .map(([name]) => name)
      .filter((name) => !known.has(name))
      .map((name) => `${file}: ${name}`),
  )
  expect(unknown).toEqual([])
})

test('our distribution has every component that a configuration uses, all of one release', () => {
  const manifest = parse(text('collector/builder.yaml')) as Mapping
  const version = at(manifest, 'dist', 'version')
  const modules = ['receivers', 'processors', 'exporters', 'extensions', 'connectors', 'providers']
    .flatMap((section) => manifest[section] as { gomod: string }[])
    .map(({ gomod }) => gomod)
  // v1.67.0 of the stable modules is the same release as v0.161.0.
  const isOfRelease = (module: string) =>
    module.endsWith(` v${version}`) ||
    (/confmap\/provider/.test(module) && module.endsWith(' v1.67.0'))
  expect(modules.filter((module) => !isOfRelease(module))).toEqual([])

  const built = modules.map((module) => module.split(' ')[0]?.split('/').at(-1))
  const used = variants.flatMap((files) =>
    ['receivers', 'processors', 'exporters', 'extensions'].flatMap((section) =>
      Object.keys(at(merged(files), section) as Mapping).map((name) => {
        const type = name.split('/')[0] ?? ''
        return moduleNames[type] ?? `no module of ${type} is known`
      }),
    ),
  )
  expect([...new Set(used)].filter((name) => !built.includes(name))).toEqual([])
  expect(built).toEqual(expect.arrayContaining(['envprovider', 'fileprovider', 'yamlprovider']))
})

/** The module of each component type that we use. All of them are in the stock contrib image, too. */
const moduleNames: Readonly<Record<string, string>> = {
  otlp: 'otlpreceiver',
  memory_limiter: 'memorylimiterprocessor',
  batch: 'batchprocessor',
  otlp_http: 'otlphttpexporter',
  file_storage: 'filestorage',
  bearertokenauth: 'bearertokenauthextension',
  health_check: 'healthcheckextension',
}

/** Merges configurations like the Collector: maps are merged, everything else is replaced. */
function merged(files: readonly string[]): Mapping {
  return files.map((file) => parse(text(file)) as Mapping).reduce(merge, {})
}

function merge(under: Mapping, over: Mapping): Mapping {
  const result: Record<string, unknown> = { ...under }
  for (const [key, value] of Object.entries(over)) {
    const old = result[key]
    result[key] = isMapping(old) && isMapping(value) ? merge(old, value) : value
  }
  return result
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function at(value: unknown, ...keys: string[]): unknown {
  return keys.reduce((inner, key) => (isMapping(inner) ? inner[key] : undefined), value)
}
