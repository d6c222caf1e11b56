/** The preload as it is published, for a Node that cannot run the sources. */
import { readFileSync } from 'node:fs'
import * as path from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from '../../../packaging/build.ts'

let preload: Promise<string> | undefined

/** A file URL. It is built once in a process. */
export function builtPreload(): Promise<string> {
  preload ??= buildPreload()
  return preload
}

async function buildPreload(): Promise<string> {
  const folder = path.resolve(import.meta.dirname, '../..')
  await build(folder, JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')))
  return pathToFileURL(path.join(folder, 'dist/register.js')).href
}
