import { execFile } from 'node:child_process'
import * as path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
export const root = path.resolve(import.meta.dirname, '../../..')

export const packageNames = [
  'conventions',
  'embedded-postgres',
  'instrumentation',
  'receiver',
  'web',
] as const
export type PackageName = (typeof packageNames)[number]
export type Tarballs = Readonly<Record<PackageName, string>>

/** Packs each package like `npm publish`, one after the other: while npm packs, the workspace has the published manifest. */
export async function packPackages(folder: string): Promise<Tarballs> {
  const packed: Partial<Record<PackageName, string>> = {}
  for (const name of packageNames) {
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {
      cwd: path.join(root, name),
    })
    const [description]: { filename: string }[] = Object.values(JSON.parse(stdout))
    packed[name] = path.join(folder, description?.filename ?? '')
  }
  return packed as Tarballs
}

/** Runs a program of the repository. */
export function tool(name: string): string {
  return path.join(root, 'node_modules/.bin', name)
}
