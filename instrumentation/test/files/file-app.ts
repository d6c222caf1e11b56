/** The app of `file-host.ts` under the preload, and its Changes routes. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { startProgram } from '../support/observed-program.ts'
import { makeWorkspace } from '../support/workspace.ts'
import { large } from './file-actions.ts'

/** One operation, as `GET /api/changes/{opId}` answers. `null`: there was no file, or its content is not known. */
export interface Change {
  readonly opId: string
  readonly opType: string
  readonly path: string
  readonly before: string | null
  readonly after: string | null
  readonly beforeReason?: string
  readonly afterReason?: string
  readonly linesAdded: number | null
  readonly linesRemoved: number | null
}

/** One app for all tests of a file; each test has a folder of the workspace. */
export async function startFileApp() {
  const workspace = makeWorkspace()
  const file = path.join(workspace.root, 'large.txt')
  fs.writeFileSync(file, large)
  const host = startProgram('../files/file-host.ts', {
    cwd: workspace.folder,
    spool: workspace.spool,
    env: { LARGE: file },
  })
  const base = `http://127.0.0.1:${await host.line('port')}`
  const post = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }
  const ask = async (url: string, request: RequestInit = {}) => {
    const response = await fetch(base + url, request)
    return { status: response.status, body: await response.json() }
  }
  let folders = 0

  return {
    openFolder() {
      folders += 1
      const name = `test-${folders}`
      const folder = path.join(workspace.folder, name)
      fs.mkdirSync(folder)
      const at = (file: string): string => path.join(folder, file)
      const seen = new Set<string>()
      return {
        folder,
        at,
        files: () => fs.readdirSync(folder).toSorted(),
        read: (file: string): string | undefined =>
          fs.existsSync(at(file)) ? fs.readFileSync(at(file), 'utf8') : undefined,
        write: (file: string, content: string) => fs.writeFileSync(at(file), content),
        /** Runs an action in a turn; gives its error. */
        async run(action: string): Promise<string | null> {
          const { body } = await ask(`/run/${name}/${encodeURIComponent(action)}`, post)
          return body.error
        },
        /** The operations in the folder since the last call, oldest first. */
        async changes(): Promise<Change[]> {
          const { body } = await ask('/api/changes/recent?limit=500')
          const listed: Change[] = body.changes.toReversed()
          const changes: Change[] = []
          for (const { opId, path: file } of listed) {
            if (!file.startsWith(`${name}/`) || seen.has(opId)) continue
            seen.add(opId)
            const detail: Change = (await ask(`/api/changes/${opId}`)).body
            changes.push({ ...detail, path: file.slice(name.length + 1) })
          }
          return changes
        },
        /** 200 if it was undone; 409 if it was refused. */
        async revert({ opId }: Change): Promise<number> {
          return (await ask(`/api/changes/${opId}/revert`, post)).status
        },
      }
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await host[Symbol.asyncDispose]()
      workspace[Symbol.dispose]()
    },
  }
}
