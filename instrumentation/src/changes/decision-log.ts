/**
 * The decisions on one operation: a file of JSON lines, oldest first.
 *
 * Two processes may decide at once: each decision is one append that begins and ends with a newline, so none is lost, and
 * one that a crash cut off damages only itself. Empty lines are ignored. A file above 512 KiB is replaced by its newest 100
 * decisions. Unknown and cut lines are skipped and counted.
 */

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { parseJson } from '@turnlog/conventions/plain'
import { type FileSystem, readText, replaceFile, writeFully } from '../file-system.ts'
import { type ChangeDecision, parseChangeDecision } from './change.ts'

export interface ReadDecisions {
  readonly decisions: readonly ChangeDecision[]
  readonly damagedCount: number
}

const bytesMax = 512 * 1024
const keptMax = 100

export function decisionLogName(opId: string): string {
  return `${opId}.jsonl`
}

/** Empty when there is no file. Throws other errors of the disk. */
export function readDecisions(fs: FileSystem, path: string): ReadDecisions {
  const lines = (readText(fs, path) ?? '').split('\n').filter((line) => line !== '')
  const decisions = lines.flatMap((line) => parseChangeDecision(parseJson(line)) ?? [])
  return { decisions, damagedCount: lines.length - decisions.length }
}

/** `tmp` is a folder on the same disk, for the replacement. Throws what the disk throws. */
export function appendDecision(
  fs: FileSystem,
  { path, tmp, decision }: { path: string; tmp: string; decision: ChangeDecision },
): void {
  const descriptor = fs.openSync(path, 'a', 0o600)
  let size: number
  try {
    writeFully(fs, descriptor, Buffer.from(lineOf(decision)))
    size = fs.fstatSync(descriptor).size
  } finally {
    fs.closeSync(descriptor)
  }
  if (size <= bytesMax) return
  const newest = readDecisions(fs, path).decisions.slice(-keptMax)
  const temporary = join(tmp, randomBytes(12).toString('hex'))
  replaceFile(fs, path, newest.map(lineOf).join(''), { temporary, isSynced: false })
}

function lineOf(decision: ChangeDecision): string {
  return `\n${JSON.stringify(decision)}\n`
}
