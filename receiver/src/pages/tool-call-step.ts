import { type AwaitedContents, awaitedKey } from '../storage/queries/awaited-contents.ts'
import type { FileOperation } from '../storage/queries/file-operations-of-turn.ts'
import type { ProcessOfTurn } from '../storage/queries/processes-of-turn.ts'
import type { ToolCall } from '../storage/queries/tool-calls-of-turn.ts'
import type { Turn } from '../storage/queries/turn.ts'
import { awaitedNote, bytesNote, contentBlock, jsonBlock } from './content-block.ts'
import { fileOperationBlock } from './file-operation-step.ts'
import { formatNumber } from './format.ts'
import { type Html, html } from './html.ts'
import { processNote } from './process-note.ts'
import { durationOf, type Step, timeBar } from './step.ts'

/** A tool call: its arguments, its result, and the file operations inside it. */
export function toolCallStep(
  turn: Turn,
  call: ToolCall,
  {
    files,
    processes,
    awaited,
  }: {
    readonly files: readonly FileOperation[]
    readonly processes: readonly ProcessOfTurn[]
    readonly awaited: AwaitedContents
  },
): Step {
  const awaits = (name: 'arguments' | 'result') => awaited.has(awaitedKey(call.spanId, name))
  const path = (name: string) => `/turns/${turn.traceId}/${call.spanId}/${name}`
  return {
    at: call.startedAt,
    block: html`<li class="step tool-call" id="${call.spanId}">
<div class="step-head"><span class="kind">Tool call</span><b class="tool-name">${call.tool ?? 'unnamed'}</b>
<span class="facts">${durationOf(call)}
${call.inferred === true && html`<span title="Seen in the messages, not at the tool: its duration is an upper bound.">inferred</span>`}
${call.decision !== null && html`<span class="badge ${call.decision === 'accept' ? 'good' : 'warn'}">${call.decision} by user</span>`}
${call.unfinished === true && html`<span class="badge warn">no result</span>`}
${call.errorType !== null && html`<span class="badge bad">${call.errorType.replaceAll('_', ' ')}</span>`}
${call.aborted === true && html`<span class="badge warn">aborted</span>`}
${call.abandoned && html`<span class="badge warn">abandoned</span>`}</span></div>
${timeBar(turn, call)}
${argumentsBlock(call, files, path('arguments'))}
${call.argumentsBytes !== null && bytesNote({ bytes: call.argumentsBytes, wholePath: path('arguments') })}
${call.arguments === null && call.argumentsBytes === null && awaits('arguments') && awaitedNote('The input')}
${processes.map(processNote)}
${call.fileOperationsLeftOut !== null && html`<p class="note">File operations that were not recorded: ${formatNumber(call.fileOperationsLeftOut)}.</p>`}
${files.map((operation) => fileOperationBlock(turn, operation, awaited))}
${labelled('Result', call.result, (text) => contentBlock({ text, wholePath: path('result') }))}
${call.resultBytes !== null && bytesNote({ bytes: call.resultBytes, wholePath: path('result') })}
${call.result === null && call.resultBytes === null && awaits('result') && awaitedNote('The result')}
${call.errorMessage !== null && call.result === null && html`<p class="prose failed">${call.errorMessage}</p>`}
</li>`,
  }
}

/** Folded when the call changed files: its diffs show the same text. */
function argumentsBlock(
  { arguments: text }: ToolCall,
  files: readonly FileOperation[],
  wholePath: string,
): Html | false {
  if (files.length === 0)
    return labelled('Arguments', text, (json) => jsonBlock({ text: json, wholePath }))
  return (
    text !== null &&
    html`<details class="arguments"><summary>Arguments</summary>${jsonBlock({ text, wholePath })}</details>`
  )
}

function labelled(label: string, text: string | null, block: (text: string) => Html): Html | false {
  return (
    text !== null &&
    html`<div class="labelled"><span class="label">${label}</span>${block(text)}</div>`
  )
}
