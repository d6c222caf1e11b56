/** Reads the compose file and the Dockerfile like Docker. */
import { readFileSync } from 'node:fs'
import * as path from 'node:path'
import { parse } from 'yaml'

export const root = path.resolve(import.meta.dirname, '../..')

export interface Service {
  readonly image: string
  readonly build?: { readonly context: string; readonly dockerfile: string }
  readonly user?: string
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly networks?: readonly string[]
  readonly network_mode?: string
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean }
  readonly restart?: string
  readonly mem_limit?: string
  readonly logging?: { readonly driver: string; readonly options: Readonly<Record<string, string>> }
  readonly security_opt?: readonly string[]
  readonly read_only?: boolean
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>
}

export function readRepositoryFile(name: string): string {
  return readFileSync(path.join(root, name), 'utf8')
}

export const composeText = readRepositoryFile('docker-compose.yml')
/** The services, with merge keys (`<<`) applied. */
export const compose: Compose = parse(composeText, { merge: true })

export function serviceOf(name: string): Service {
  const service = compose.services[name]
  if (service === undefined) throw new Error(`There is no service '${name}'.`)
  return service
}

export interface Mount {
  /** A volume's name, or a path that begins with `./`. */
  readonly source: string
  readonly target: string
  readonly isReadOnly: boolean
}

export function mountsOf({ volumes = [] }: Service): Mount[] {
  return volumes.map((text) => {
    const [source = '', target = '', mode] = text.split(':')
    return { source, target, isReadOnly: mode === 'ro' }
  })
}

/** The shell commands of a service that runs once. */
export function scriptOf(name: string): string {
  return serviceOf(name).command?.join('\n') ?? ''
}

export interface Instruction {
  readonly name: string
  readonly text: string
}

/** Removes comments and joins continued lines. */
export function readDockerfile(name: string): Instruction[] {
  return readRepositoryFile(name)
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, instruction = '', text = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? []
      return { name: instruction, text }
    })
}

export interface Stage {
  readonly from: string
  readonly name: string | undefined
  readonly instructions: readonly Instruction[]
}

export function stagesOf(instructions: readonly Instruction[]): Stage[] {
  const stages: { from: string; name: string | undefined; instructions: Instruction[] }[] = []
  for (const instruction of instructions) {
    if (instruction.name !== 'FROM') {
      stages.at(-1)?.instructions.push(instruction)
      continue
    }
    const [from = '', , name] = instruction.text.split(/\s+/)
    stages.push({ from, name, instructions: [] })
  }
  return stages
}

export interface Copy {
  /** Another stage; undefined for the build's context. */
  readonly stage: string | undefined
  readonly sources: readonly string[]
  readonly target: string
}

export function copiesOf({ instructions }: Stage): Copy[] {
  return instructions
    .filter(({ name }) => name === 'COPY')
    .map(({ text }) => {
      const words = text.split(/\s+/)
      const stage = /^--from=(.+)$/.exec(words[0] ?? '')?.[1]
      const paths = stage === undefined ? words : words.slice(1)
      return { stage, sources: paths.slice(0, -1), target: paths.at(-1) ?? '' }
    })
}

/** The variables of `ENV A=1 B=2`; `$PATH` is not expanded. */
export function environmentOf({ instructions }: Stage): Record<string, string> {
  const pairs = instructions
    .filter(({ name }) => name === 'ENV')
    .flatMap(({ text }) => [...text.matchAll(/(\w+)=(\S+)/g)])
  return Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, value]))
}

/** The words of the last instruction of that name that has a list: CMD, ENTRYPOINT, or HEALTHCHECK's CMD. */
export function wordsOf({ instructions }: Stage, name: string): string[] {
  const text = instructions.findLast((instruction) => instruction.name === name)?.text ?? '[]'
  return JSON.parse(text.slice(text.indexOf('[')))
}

/**
 * Whether Docker's builder gets a file: the last matching pattern decides, and a pattern for a folder also matches its
 * content. Supports only `**`, `!` and plain paths, since the file has no others.
 */
export function isSentToBuilder(file: string): boolean {
  let isSent = true
  for (const line of readRepositoryFile('.dockerignore').split('\n')) {
    const pattern = line.trim()
    if (pattern === '' || pattern.startsWith('#')) continue
    const isException = pattern.startsWith('!')
    const plain = isException ? pattern.slice(1) : pattern
    if (/[*?[]/.test(plain) && plain !== '**') throw new Error(`'${pattern}' is not understood.`)
    if (plain === '**' || file === plain || file.startsWith(`${plain}/`)) isSent = isException
  }
  return isSent
}
