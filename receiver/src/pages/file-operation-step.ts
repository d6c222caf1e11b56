import { toVisible } from '@turnlog/web/visible-text.js'
import { type AwaitedContents, awaitedKey } from '../storage/queries/awaited-contents.ts'
import type { FileOperation } from '../storage/queries/file-operations-of-turn.ts'
import type { Turn } from '../storage/queries/turn.ts'
import { awaitedNote } from './content-block.ts'
import { diffBlock } from './diff-block.ts'
import { formatBytes, formatNumber } from './format.ts'
import { type Html, html } from './html.ts'
import type { Step } from './step.ts'

/** A file operation that belongs to no tool call. */
export function fileOperationStep(
  turn: Turn,
  operation: FileOperation,
  awaited: AwaitedContents,
): Step {
  return {
    at: operation.startedAt,
    block: html`<li class="step">${fileOperationBlock(turn, operation, awaited)}</li>`,
  }
}

/** One file operation: its path, its diff, the sizes before and after, the decision. */
export function fileOperationBlock(
  turn: Turn,
  operation: FileOperation,
  awaited: AwaitedContents,
): Html {
  const { type, path, previousPath, diff, decision } = operation
  const whole = (name: string) => `/turns/${turn.traceId}/${operation.spanId}/${name}`
  return html`<section class="file-operation" id="${operation.spanId}">
<div class="file-head"><span class="operation ${type}">${type}</span>
<span class="path">${previousPath !== null && html`${toVisible(previousPath)} → `}${toVisible(path ?? 'unknown file')}</span>
${(operation.linesAdded ?? 0) > 0 && html`<span class="count added">+${formatNumber(operation.linesAdded ?? 0)}</span>`}
${(operation.linesRemoved ?? 0) > 0 && html`<span class="count removed">−${formatNumber(operation.linesRemoved ?? 0)}</span>`}
${decision !== null && html`<span class="badge ${decision === 'accept' ? 'good' : 'warn'}">${decision}</span>`}
${operation.errorType !== null && html`<span class="badge bad">${operation.errorType}</span>`}
${operation.shared === true && html`<span class="badge warn" title="More than one tool call could have caused it.">shared</span>`}
${operation.open === true && html`<span class="badge warn" title="The file was still open for writing.">open</span>`}
${operation.merged !== null && html`<span class="badge warn" title="Operations that overlapped; the states between them are not known.">with ${formatNumber(operation.merged)} more</span>`}
<span class="facts">${side('before', operation, whole, awaited)}${side('after', operation, whole, awaited)}</span></div>
${diff !== null && diff !== '' && diffBlock({ diff, wholePath: whole('diff') })}
${diff === null && awaited.has(awaitedKey(operation.spanId, 'diff')) && awaitedNote('The diff')}
${operation.binary === true && html`<p class="note">Not text: no diff.</p>`}
</section>`
}

function side(
  name: 'before' | 'after',
  operation: FileOperation,
  whole: (name: string) => string,
  awaited: AwaitedContents,
): Html | false {
  const size = name === 'before' ? operation.beforeSize : operation.afterSize
  const sha256 = name === 'before' ? operation.beforeSha256 : operation.afterSha256
  const omitted = name === 'before' ? operation.beforeOmitted : operation.afterOmitted
  if (size === null && sha256 === null && omitted === null) return false
  const text = `${name}${size === null ? '' : ` ${formatBytes(size)}`}`
  if (awaited.has(awaitedKey(operation.spanId, name))) {
    return html`<span title="${sha256 ?? ''}">${text}, not here yet</span>`
  }
  return omitted === null
    ? html`<a href="${whole(name)}" title="${sha256 ?? ''}">${text}</a>`
    : html`<span title="${sha256 ?? ''}">${text}, ${omitted.replaceAll('_', ' ')}</span>`
}
