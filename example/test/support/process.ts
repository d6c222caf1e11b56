import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'
import { bareEnvironment } from '../../../test/support/bare-environment.ts'
import { temporaryDirectory } from './directory.ts'
import { patience } from './patience.ts'

const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** Starts the app as a process, on a free port, in a new folder; it is killed after the test. */
export async function startProcess(
  environment: NodeJS.ProcessEnv = {},
  { preloads = [] }: { readonly preloads?: readonly string[] } = {},
) {
  const directory = await temporaryDirectory()
  const child = spawn(
    process.execPath,
    [...preloads.flatMap((preload) => ['--import', preload]), program],
    {
      cwd: directory,
      env: { ...bareEnvironment(), EXAMPLE_PORT: '0', ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  )
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const output = { stdout: '', stderr: '' }
  if (child.stdout === null || child.stderr === null) throw new Error('The process has no pipes.')
  child.stdout.on('data', (data) => {
    output.stdout += data
  })
  child.stderr.on('data', (data) => {
    output.stderr += data
  })
  // Not the child's own `close`, which does not come after a `disconnect` from this side.
  const ended = [once(child, 'exit'), once(child.stdout, 'close'), once(child.stderr, 'close')]
  const closed = Promise.all(ended).then(([exit]) => exit?.[0])
  return {
    child,
    output,
    closed,
    directory,
    /** The address, once it listens. */
    async url(): Promise<string> {
      await expect.poll(() => output.stdout, patience).toContain('\n')
      return /http:\S+/.exec(output.stdout)?.[0] ?? ''
    },
  }
}

export function chat(url: string, message: string): Promise<Response> {
  return fetch(`${url}/api/chat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message }),
  })
}
