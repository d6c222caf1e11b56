/** What a page says about the child processes of a tool call or a turn: that they ran, and how far their files are known. */
import { toVisible } from '@turnlog/web/visible-text.js'
import type { ProcessOfTurn } from '../storage/queries/processes-of-turn.ts'
import { formatNumber } from './format.ts'
import { type Html, html } from './html.ts'

/** Longer command lines are cut on the page. */
const commandLengthMax = 200

export function processNote(process: ProcessOfTurn): Html {
  const { program, command, exitCode, signal } = process
  const line = command ?? program ?? 'unknown program'
  const shown = line.length > commandLengthMax ? `${line.slice(0, commandLengthMax)}…` : line
  return html`<p class="note process" title="${toVisible(shown)}">A process ran: <b>${toVisible(program ?? 'unknown program')}</b>${
    signal !== null
      ? html`, ended by ${signal}`
      : exitCode !== null && exitCode !== 0 && html`, exit code ${exitCode}`
  }; ${comparisonOf(process)}.</p>`
}

function comparisonOf(process: ProcessOfTurn): string {
  const { filesChanged, filesNotCompared, partial, notComparedReason } = process
  if (notComparedReason !== null) {
    return `files not compared (${notComparedReason.replaceAll('_', ' ')})`
  }
  const changed = `${formatNumber(filesChanged ?? 0)} ${filesChanged === 1 ? 'file' : 'files'} changed`
  const left =
    filesNotCompared === null || filesNotCompared === 0
      ? ''
      : `, ${formatNumber(filesNotCompared)} not compared`
  return `${changed}${left}${partial === true ? ', at a limit' : ''}`
}
