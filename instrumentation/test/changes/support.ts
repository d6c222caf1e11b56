/** Real folders, real files and a real store for the tests of changes/. */

import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { DecisionType } from '@turnlog/conventions'
import fastify, { type FastifyInstance } from 'fastify'
import { onTestFinished } from 'vitest'
import type { RecordedChange } from '../../src/changes/change.ts'
import { changesRoutes } from '../../src/changes/routes.ts'
import { ChangeStore, damagedFile } from '../../src/changes/store.ts'
import type { FileSystem } from '../../src/file-system.ts'
import type { DecisionRecord, TurnlogHandle } from '../../src/handle.ts'
import { failures } from '../../src/health.ts'
import { bytesOf, changeOf, type Operation } from './change-of.ts'

export { bytesOf, changeOf, type Operation, stateOf } from './change-of.ts'

export const isRoot = process.getuid?.() === 0

export function temporaryFolder(): string {
  const path = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'turnlog-changes-')))
  onTestFinished(() => fs.rmSync(path, { recursive: true, force: true }))
  return path
}

export interface Bench {
  readonly workspace: string
  readonly directory: string
  readonly store: ChangeStore
  readonly told: DecisionRecord[]
  readonly app: FastifyInstance
  readonly handle: TurnlogHandle
  at(path: string): string
  read(path: string): string | undefined
  /** Records an operation and makes the disk as the operation left it. */
  operated(operation: Operation): RecordedChange
  decide(change: RecordedChange, type: DecisionType, body?: object): Promise<Answer>
}

export interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

/** A workspace, a store beside it, and an app that serves the routes. */
export async function bench(options: { fileSystem?: FileSystem } = {}): Promise<Bench> {
  const root = temporaryFolder()
  const [workspace, directory] = [join(root, 'workspace'), join(root, 'spool', 'changes')]
  fs.mkdirSync(workspace)
  const store = new ChangeStore({ directory })
  const told: DecisionRecord[] = []
  const handle: TurnlogHandle = {
    changes: { directory, workspace, refresh: async () => {}, ...options },
    decide: (decision) => told.push(decision),
  }
  const app = fastify()
  await app.register(changesRoutes, { handle: () => handle })
  onTestFinished(() => app.close())
  const at = (path: string) => join(workspace, path)
  return {
    workspace,
    directory,
    store,
    told,
    app,
    handle,
    at,
    read: (path) => (fs.existsSync(at(path)) ? fs.readFileSync(at(path), 'latin1') : undefined),
    operated(operation) {
      const change = changeOf(workspace, operation)
      const { before, after, overwritten } = operation
      const contents = {
        before: bytesOf(before),
        after: bytesOf(after),
        overwritten: bytesOf(overwritten),
      }
      const recorded = store.record(change, contents)
      if (recorded.status !== 'recorded') throw new Error(JSON.stringify(recorded))
      if (contents.after === undefined) fs.rmSync(at(operation.path), { force: true })
      else put(at(operation.path), contents.after)
      return change
    },
    async decide(change, type, body = {}) {
      const url = `/api/changes/${change.opId}/${type}`
      const headers = { host: 'localhost:8000' }
      const response = await app.inject({ method: 'POST', url, headers, payload: body })
      return { status: response.statusCode, body: response.json() }
    },
  }
}

/** How many files of any store were found damaged since. */
export function countDamaged(): () => number {
  const count = () => failures.get(damagedFile) ?? 0
  const before = count()
  return () => count() - before
}

export function put(path: string, content: string | Uint8Array, mode?: number): void {
  fs.mkdirSync(dirname(path), { recursive: true })
  fs.writeFileSync(path, content)
  if (mode !== undefined) fs.chmodSync(path, mode)
}

/** Every file and folder under it with bits and content, to show that nothing changed. */
export function snapshot(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true })
    .map((name) => {
      const path = join(folder, String(name))
      const stat = fs.lstatSync(path)
      const content = stat.isFile() ? fs.readFileSync(path, 'base64') : ''
      return `${name} ${stat.mode.toString(8)} ${content}`
    })
    .sort()
}

export function hasTemporaryFile(folder: string): boolean {
  return fs
    .readdirSync(folder, { recursive: true })
    .some((name) => String(name).includes('.turnlog-'))
}
