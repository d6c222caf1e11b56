/** `turnlog-receiver`: commands for operators. Results are written to standard output, errors to standard error. */
import { errorMessage } from '@turnlog/conventions/plain'
import { readConfig } from '../config.ts'
import { main as serve } from '../main.ts'
import { argumentError } from './arguments.ts'
import { healthCommand } from './health.ts'
import { helpText } from './help.ts'
import { linkCommand } from './link.ts'
import { purgeCommand } from './purge.ts'
import { roleCommand } from './role.ts'
import { secretCommand } from './secret.ts'
import { tokenCommand } from './token.ts'

const commands = new Map([
  ['token', tokenCommand],
  ['role', roleCommand],
  ['link', linkCommand],
  ['purge', purgeCommand],
  ['health', healthCommand],
])

/** Resolves with the exit code. */
export async function runCommand(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined) {
    console.error(helpText())
    return 1
  }
  try {
    if (name === 'serve') await serve()
    else console.log(await outputOf(name, rest, environment))
    return 0
  } catch (error) {
    const [line] = errorMessage(error).split('\n', 1)
    console.error(`turnlog-receiver: ${line}`)
    return 1
  }
}

async function outputOf(
  name: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<string> {
  if (['--help', '-h', 'help'].includes(name)) return helpText()
  // Without reading the settings: they may name the password file that this creates.
  if (name === 'secret') return secretCommand(args)
  const command = commands.get(name)
  if (command !== undefined) return command(args, readConfig(environment))
  throw argumentError(`There is no command '${name}'. See \`turnlog-receiver --help\`.`)
}
