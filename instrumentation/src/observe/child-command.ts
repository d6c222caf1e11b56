/** The command that a call of `node:child_process` starts, from its arguments. Pure. */

export interface Command {
  readonly file: string
  /** Without the name of the program. */
  readonly args: readonly string[]
  /** What a tool's argument names of it, if that is not the command. */
  readonly texts?: readonly string[]
}

/** `{ file, args }` of Node: the first argument is the program's own name. */
export function spawnCommand(options: unknown): Command {
  const { file, args } = Object(options)
  return { file: String(file), args: textsOf(args).slice(1) }
}

export function fileCommand([file, args, options]: readonly unknown[]): Command {
  const list = textsOf(args)
  const { shell } = Object(Array.isArray(args) ? options : args)
  if (shell === undefined || shell === false) return { file: String(file), args: list }
  return shellCommand([file, ...list].join(' '))
}

export function shellCommand(command: unknown): Command {
  return process.platform === 'win32'
    ? { file: 'cmd.exe', args: ['/d', '/s', '/c', String(command)] }
    : { file: '/bin/sh', args: ['-c', String(command)] }
}

/** Of a shell, the command that it was given; it is what a tool's argument names. */
export function commandLine(args: readonly string[]): string {
  return args.at(-1) ?? ''
}

function textsOf(values: unknown): string[] {
  return Array.isArray(values) ? values.map(String) : []
}
