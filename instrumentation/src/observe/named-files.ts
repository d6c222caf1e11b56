/**
 * The files that a command names. The host reads them before the command runs where the workspace is too large for a look
 * in between: then a save of a moment ago is not taken for a change by the command.
 */
import * as path from 'node:path'
import { attempt, type FileSystem } from '../file-system.ts'

/** Words that are looked up, and the bytes of all files together that are read. */
const wordsMax = 50
const bytesMax = 1024 ** 2
/** Blanks, quotes and what a shell puts between words. */
const between = /[\s'"`;|&<>()=,:]+/

/** Absolute paths of regular files. `folder`: what relative paths are relative to. */
export function namedFiles(
  texts: readonly string[],
  folder: string,
  fileSystem: Pick<FileSystem, 'lstatSync'>,
): string[] {
  const words = new Set(texts.flatMap((text) => text.split(between)))
  const given = [...words].filter((word) => word !== '' && !word.startsWith('-'))
  let bytesLeft = bytesMax
  return given.slice(0, wordsMax).flatMap((word) => {
    const file = path.resolve(folder, word)
    const stat = attempt(() => fileSystem.lstatSync(file, { throwIfNoEntry: false }))
    if (stat?.isFile() !== true || stat.size > bytesLeft) return []
    bytesLeft -= Number(stat.size)
    return file
  })
}
