/** The command that a call of `node:child_process` starts, from its arguments. Pure. */
import { fileURLToPath } from 'node:url'
import { attempt } from '../file-system.ts'

/** Commands that an app adds to a line. */
const addedMax = 8

export interface Command {
  readonly file: string
  /** Without the name of the program. */
  readonly args: readonly string[]
  /** Where it runs; `undefined`: where the app does. */
  readonly folder: string | undefined
  /** What a tool's argument names of it, if that is not the command. */
  readonly texts?: readonly string[]
}

/** From `{ file, args, cwd }`, which `ChildProcess#spawn` gets: the first argument is the program's own name. */
export function spawnCommand(options: unknown): Command {
  const { file, args, cwd } = Object(options)
  return { file: String(file), args: textsOf(args).slice(1), folder: folderOf(cwd) }
}

/** From `(file, args?, options?)`. */
export function fileCommand([file, args, options]: readonly unknown[]): Command {
  const list = textsOf(args)
  const { shell, cwd } = Object(Array.isArray(args) ? options : args)
  if (shell !== undefined && shell !== false) return ofShell([file, ...list].join(' '), cwd)
  return { file: String(file), args: list, folder: folderOf(cwd) }
}

/** From `(command, options?)`. */
export function shellCommand([command, options]: readonly unknown[]): Command {
  return ofShell(String(command), Object(options).cwd)
}

/** From `(file, arguments, environment, folder, …)`, which `fork` of node-pty gets. */
export function terminalCommand([file, args, , cwd]: readonly unknown[]): Command {
  return { file: String(file), args: textsOf(args), folder: folderOf(cwd) }
}

/** Of a shell, the command that it was given; it is what a tool's argument names. */
export function commandLine(args: readonly string[]): string {
  return args.at(-1) ?? ''
}

/**
 * The commands that begin a line which the app writes to a shell: it may add one that shows the end, as in `ls; echo done`.
 */
export function commandsIn(line: string): string[] {
  const ends = [...line.matchAll(/;|&&/g)].slice(-addedMax).map(({ index }) => index)
  return [...ends.map((end) => line.slice(0, end)), line].map((command) => command.trim())
}

/**
 * The words of a line of a shell, without their quotes. `undefined` in place of a word that has a variable or a command in it: what
 * it will be only the shell knows.
 */
export function shellWords(line: string): (string | undefined)[] {
  const words = line.match(/(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\])+/gs) ?? []
  return words.map((word) => {
    if (/[$`]/.test(word.replace(/'[^']*'|\\./gs, ''))) return undefined
    return word.replace(
      /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs,
      (_, single?: string, double?: string, escaped?: string) =>
        single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? '',
    )
  })
}

function ofShell(command: string, cwd: unknown): Command {
  const folder = folderOf(cwd)
  return process.platform === 'win32'
    ? { file: 'cmd.exe', args: ['/d', '/s', '/c', command], folder }
    : { file: '/bin/sh', args: ['-c', command], folder }
}

function folderOf(cwd: unknown): string | undefined {
  if (typeof cwd === 'string') return cwd
  return cwd instanceof URL ? attempt(() => fileURLToPath(cwd)) : undefined
}

function textsOf(values: unknown): string[] {
  return Array.isArray(values) ? values.map(String) : []
}
