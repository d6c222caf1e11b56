/** The app's Python with the packages of requirements.txt, or the reason why it cannot be made. */
import { execFile } from 'node:child_process'
import * as path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const requirements = path.resolve(import.meta.dirname, '../../requirements.txt')

export type VirtualEnvironment =
  | { readonly status: 'ready'; readonly folder: string }
  | { readonly status: 'missing'; readonly reason: string }

/** Creates it in `folder`. A missing requirement is a reason of one sentence; any other failure throws. */
export async function makeVirtualEnvironment(
  folder: string,
  environment: NodeJS.ProcessEnv,
): Promise<VirtualEnvironment> {
  const python = await findPython(environment)
  if (python === undefined) {
    return { status: 'missing', reason: 'Python 3.10 or newer (python3, with venv) is not here.' }
  }
  await run(python, ['-m', 'venv', folder], { env: environment })
  const pip = path.join(folder, 'bin/pip')
  try {
    await run(pip, ['install', '--quiet', '--requirement', requirements], { env: environment })
  } catch (error) {
    // An index that answers has some version of each package.
    if (!String(error).includes('(from versions: none)')) throw error
    return { status: 'missing', reason: 'Python’s package index does not answer.' }
  }
  return { status: 'ready', folder }
}

async function findPython(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  const check = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))'
  for (const command of ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10']) {
    try {
      await run(command, ['-c', check], { env: environment })
      return command
    } catch {
      // Try the next one.
    }
  }
  return undefined
}
