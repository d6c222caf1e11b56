import type { ModelCall } from '../storage/queries/model-calls-of-turn.ts'
import type { Turn } from '../storage/queries/turn.ts'
import { jsonBlock } from './content-block.ts'
import { countOf, formatNumber, formatSeconds } from './format.ts'
import { type Html, html } from './html.ts'
import { messagesBlock } from './messages.ts'
import { durationOf, type Step, timeBar } from './step.ts'

/** A model call: what was new in it, what came back, and behind a fold what is always the same. */
export function modelCallStep(turn: Turn, call: ModelCall): Step {
  const path = (name: string) => `/turns/${turn.traceId}/${call.spanId}/${name}`
  return {
    at: call.startedAt,
    block: html`<li class="step model-call" id="${call.spanId}">
<div class="step-head"><span class="kind">Model call</span><b>${call.requestModel ?? call.responseModel ?? call.name}</b>
${factsOf(call)}</div>
${timeBar(turn, call)}
${call.errorMessage !== null && html`<p class="prose failed">${call.errorMessage}</p>`}
${sentBlock(call, path('input-messages'))}
${call.outputMessages !== null && messagesBlock({ text: call.outputMessages, wholePath: path('output-messages') })}
${fold('System instructions', call.systemInstructions, (text) => messagesBlock({ text, wholePath: path('system-instructions') }))}
${fold('Tools it may ask for', call.toolDefinitions, (text) => jsonBlock({ text, wholePath: path('tool-definitions') }))}
</li>`,
  }
}

function factsOf(call: ModelCall): Html {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = call
  return html`<span class="facts">${durationOf(call)}
${call.firstChunkSeconds !== null && html`<span>first chunk ${formatSeconds(call.firstChunkSeconds)}</span>`}
${outputTokens !== null && html`<span>${formatNumber(inputTokens ?? 0)} → ${formatNumber(outputTokens)} tokens</span>`}
${(cacheReadTokens ?? 0) > 0 && html`<span>${formatNumber(cacheReadTokens ?? 0)} from cache</span>`}
${(cacheWriteTokens ?? 0) > 0 && html`<span>${formatNumber(cacheWriteTokens ?? 0)} to cache</span>`}
${finishReasons(call.finishReasons)}
${call.stream === true && html`<span>streamed</span>`}
${(call.attempts ?? 1) > 1 && html`<span class="badge warn">${call.attempts} attempts</span>`}
${call.httpStatus !== null && call.httpStatus >= 400 && html`<span class="badge bad">HTTP ${call.httpStatus}</span>`}
${call.errorType !== null && html`<span class="badge bad">${call.errorType}</span>`}
${call.abandoned && html`<span class="badge warn">abandoned</span>`}</span>`
}

function finishReasons(reasons: unknown): Html | false {
  if (!Array.isArray(reasons) || reasons.length === 0) return false
  return html`<span>${reasons.map(String).join(', ').replaceAll('_', ' ')}</span>`
}

/** What the call before had sent already is only counted. */
function sentBlock(call: ModelCall, wholePath: string): Html {
  const { newMessages, inputCount, inputText } = call
  if (inputText !== null) return messagesBlock({ text: inputText, wholePath })
  const earlier = inputCount === null ? 0 : inputCount - newMessages.length
  return html`${earlier > 0 && html`<p class="note">After ${countOf(earlier, 'earlier message')}, <a href="${wholePath}">all as sent</a></p>`}
${newMessages.map(({ text }) =>
  text === null
    ? html`<p class="note">A message that is no text.</p>`
    : messagesBlock({ text, wholePath }),
)}`
}

function fold(title: string, text: string | null, block: (text: string) => Html): Html | false {
  return text !== null && html`<details><summary>${title}</summary>${block(text)}</details>`
}
