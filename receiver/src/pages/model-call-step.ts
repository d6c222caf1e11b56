import { type AwaitedContents, awaitedKey } from '../storage/queries/awaited-contents.ts'
import type { ModelCall } from '../storage/queries/model-calls-of-turn.ts'
import type { Turn } from '../storage/queries/turn.ts'
import { awaitedNote, jsonBlock } from './content-block.ts'
import { countOf, formatNumber, formatSeconds } from './format.ts'
import { type Html, html } from './html.ts'
import { messagesBlock, onlyText } from './messages.ts'
import { durationOf, type Step, timeBar } from './step.ts'

/** What the rest of the turn's page shows. */
export interface Beside {
  /** The spans of the turn's tool calls, by call id: their arguments are shown there. */
  readonly toolSpans: ReadonlyMap<string, string>
  readonly answer: string | null
  readonly awaited: AwaitedContents
}

/** A model call: its answer, and folded, its request. */
export function modelCallStep(turn: Turn, call: ModelCall, beside: Beside): Step {
  const path = (name: string) => `/turns/${turn.traceId}/${call.spanId}/${name}`
  return {
    at: call.startedAt,
    block: html`<li class="step model-call" id="${call.spanId}">
<div class="step-head"><span class="kind">Model call</span><b>${call.requestModel ?? call.responseModel ?? call.name}</b>
${factsOf(call)}</div>
${timeBar(turn, call)}
${call.errorMessage !== null && html`<p class="prose failed">${call.errorMessage}</p>`}
${outputBlock(call, path('output-messages'), beside)}
<div class="folds">
${sentFold(call, path('input-messages'), beside.awaited)}
${fold('System instructions', call.systemInstructions, (text) => messagesBlock({ text, wholePath: path('system-instructions') }))}
${fold('Tool definitions', call.toolDefinitions, (text) => jsonBlock({ text, wholePath: path('tool-definitions') }))}
</div></li>`,
  }
}

/** The last call's text usually is the turn's answer, which is shown below the steps and not repeated here. */
function outputBlock(
  call: ModelCall,
  wholePath: string,
  { answer, toolSpans, awaited }: Beside,
): Html {
  const text = call.outputMessages
  const isAwaited = awaited.has(awaitedKey(call.spanId, 'output-messages'))
  if (text === null && isAwaited) return awaitedNote('The answer')
  if (text === null) return html`<p class="note">No answer was recorded.</p>`
  const isAnswer = answer !== null && onlyText(text) === answer
  if (isAnswer) return html`<p class="note">This is the turn’s answer, shown below.</p>`
  return messagesBlock({ text, wholePath, toolSpans, hidesRole: true })
}

function factsOf(call: ModelCall): Html {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = call
  return html`<span class="facts">${durationOf(call)}
${call.firstChunkSeconds !== null && html`<span>first chunk ${formatSeconds(call.firstChunkSeconds)}</span>`}
${outputTokens !== null && html`<span>${formatNumber(inputTokens ?? 0)} → ${formatNumber(outputTokens)} tokens</span>`}
${(cacheReadTokens ?? 0) > 0 && html`<span>${formatNumber(cacheReadTokens ?? 0)} from cache</span>`}
${(cacheWriteTokens ?? 0) > 0 && html`<span>${formatNumber(cacheWriteTokens ?? 0)} to cache</span>`}
${finishReasons(call.finishReasons)}
${call.stream === true && call.firstChunkSeconds === null && html`<span>streamed</span>`}
${(call.attempts ?? 1) > 1 && html`<span class="badge warn">${call.attempts} attempts</span>`}
${call.httpStatus !== null && call.httpStatus >= 400 && html`<span class="badge bad">HTTP ${call.httpStatus}</span>`}
${call.errorType !== null && html`<span class="badge bad">${call.errorType}</span>`}
${call.aborted === true && html`<span class="badge warn">aborted</span>`}
${call.abandoned && html`<span class="badge warn">abandoned</span>`}</span>`
}

function finishReasons(reasons: unknown): Html | false {
  if (!Array.isArray(reasons) || reasons.length === 0) return false
  return html`<span>${reasons.map(String).join(', ').replaceAll('_', ' ')}</span>`
}

/** Shows the messages that the previous call had not sent; the others are counted. */
function sentFold(call: ModelCall, wholePath: string, awaited: AwaitedContents): Html | false {
  const { newMessages, inputCount, inputText } = call
  if (inputText !== null) {
    return fold('Sent', inputText, (text) => messagesBlock({ text, wholePath }))
  }
  if (inputCount === null) {
    return awaited.has(awaitedKey(call.spanId, 'input-messages')) && awaitedNote('The request')
  }
  const earlier = inputCount - newMessages.length
  return html`<details><summary>Sent ${countOf(inputCount, 'message')}${earlier > 0 && html`, ${newMessages.length} new`}</summary>
${earlier > 0 && html`<p class="note">After ${countOf(earlier, 'earlier message')}; <a href="${wholePath}">all as sent</a>.</p>`}
${newMessages.map(({ text }) =>
  text === null
    ? html`<p class="note">A message that is not text.</p>`
    : messagesBlock({ text, wholePath }),
)}</details>`
}

function fold(title: string, text: string | null, block: (text: string) => Html): Html | false {
  return text !== null && html`<details><summary>${title}</summary>${block(text)}</details>`
}
