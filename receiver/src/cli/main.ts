/** `turnlog-receiver`: commands for operators. Results are written to standard output, errors to standard error. */
import { errorMessage } from '@turnlog/conventions/plain'
import { readConfig } from '../config.ts'
import { TurnlogError } from '../errors.ts'
import { main as serve } from '../main.ts'
import { healthCommand } from './health.ts'
import { helpText } from './help.ts'
import { linkCommand } from './link.ts'
import { purgeCommand } from './purge.ts'
import { roleCommand } from './role.ts'
import { secretCommand } from './secret.ts'
import { tokenCommand } from './token.ts'

/** Resolves with the exit code. */
export async function runCommand(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const [command, ...rest] = args
  try {
    switch (command) {
      case 'serve':
        await serve()
        return 0
      case 'token':
        console.log(await tokenCommand(rest, readConfig(environment)))
        return 0
      case 'role':
        console.log(await roleCommand(rest, readConfig(environment)))
        return 0
      case 'secret':
        console.log(await secretCommand(rest))
        return 0
      case 'link':
        console.log(await linkCommand(rest, readConfig(environment)))
        return 0
      case 'purge':
        console.log(await purgeCommand(rest, readConfig(environment)))
        return 0
      case 'health':
        console.log(await healthCommand(rest, readConfig(environment)))
        return 0
      case '--help':
      case '-h':
      case 'help':
        console.log(helpText())
        return 0
      case undefined:
        console.error(helpText())
        return 1
      default:
        throw new TurnlogError(
          'TL_ARGUMENT_INVALID',
          `There is no command '${command}'. See \`turnlog-receiver --help\`.`,
        )
    }
  } catch (error) {
    const [line] = errorMessage(error).split('\n', 1)
    console.error(`turnlog-receiver: ${line}`)
    return 1
  }
}
