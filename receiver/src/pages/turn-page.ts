/** One turn with everything in it: the prompt, each step in the order of time, the answer. */
import { toVisible } from '@turnlog/web/visible-text.js'
import { awaitedKey } from '../storage/queries/awaited-contents.ts'
import type { ContentName } from '../storage/queries/content-of-span.ts'
import type { ErrorOfTurn, TurnDecision } from '../storage/queries/events-of-turn.ts'
import type { LinkedTurn } from '../storage/queries/linked-turns.ts'
import type { ProcessOfTurn } from '../storage/queries/processes-of-turn.ts'
import { recordsMax, type Turn, type WholeTurn } from '../storage/queries/turn.ts'
import { awaitedNote, beginningOf, bytesNote, cutNote, isCut } from './content-block.ts'
import { fileOperationStep } from './file-operation-step.ts'
import { formatDay, formatNumber, formatSeconds, formatTime, secondsBetween } from './format.ts'
import { type Html, html } from './html.ts'
import { document } from './layout.ts'
import { modelCallStep } from './model-call-step.ts'
import { processNote } from './process-note.ts'
import type { Step } from './step.ts'
import { toolCallStep } from './tool-call-step.ts'
import { outcomeClass } from './turn-list.ts'

export function turnPage(whole: WholeTurn): string {
  const { turn } = whole
  const steps = stepsOf(whole)
  return document({
    title: titleOf(turn.prompt),
    tab: 'turns',
    body: html`<article class="turn">
<header class="turn-head">
<p class="eyebrow"><a href="/">Turns</a></p>
${promptBlock(turn, awaits(whole, 'prompt'))}
${factsOf(turn)}
${whole.linked.map(linkedTurn)}
</header>
${steps.length > 0 && html`<ol class="steps">${steps.map(({ block }) => block)}</ol>`}
${limitNote(whole)}
${answerBlock(turn, awaits(whole, 'answer'))}
${whole.decisions.length > 0 && decisionsBlock(whole.decisions)}
${idsOf(turn)}
</article>`,
  })
}

function awaits({ turn, awaited }: WholeTurn, name: ContentName): boolean {
  return awaited.has(awaitedKey(turn.spanId, name))
}

/** In the order of their starts. A file operation inside a tool call is shown in that step. */
function stepsOf(whole: WholeTurn): Step[] {
  const { turn, modelCalls, toolCalls, fileOperations, processes, errors, awaited } = whole
  const toolSpans = new Set(toolCalls.map(({ spanId }) => spanId))
  const toolsById = new Map(toolCalls.map(({ callId, spanId }) => [callId ?? '', spanId]))
  const inTool = (parent: string | null) => parent !== null && toolSpans.has(parent)
  const steps: Step[] = [
    ...modelCalls.map((call) =>
      modelCallStep(turn, call, { toolSpans: toolsById, answer: turn.answer, awaited }),
    ),
    ...toolCalls.map((call) =>
      toolCallStep(turn, call, {
        files: fileOperations.filter(({ parentSpanId }) => parentSpanId === call.spanId),
        processes: processes.filter(({ spanId }) => spanId === call.spanId),
        awaited,
      }),
    ),
    ...fileOperations
      .filter(({ parentSpanId }) => !inTool(parentSpanId))
      .map((operation) => fileOperationStep(turn, operation, awaited)),
    ...processes.filter(({ spanId }) => !inTool(spanId)).map(processStep),
    ...errors.map(errorStep),
  ]
  return steps.sort((left, right) => left.at.getTime() - right.at.getTime())
}

/** The beginning of the prompt's first line. */
function titleOf(prompt: string | null): string {
  const line = prompt?.trim().split('\n', 1)[0] ?? 'Turn'
  return line.length > 80 ? `${beginningOf(line, 80)}…` : line
}

function promptBlock(turn: Turn, isAwaited: boolean): Html {
  const wholePath = `/turns/${turn.traceId}/${turn.spanId}/prompt`
  const { prompt, promptBytes } = turn
  if (promptBytes !== null) return bytesNote({ bytes: promptBytes, wholePath })
  if (prompt === null && isAwaited) {
    return html`<h1 class="prompt"><em>The prompt is not here yet</em></h1>`
  }
  if (prompt === null) return html`<h1 class="prompt"><em>No prompt was recorded</em></h1>`
  if (prompt.length <= 400) return html`<h1 class="prompt">${prompt}</h1>`
  return html`<h1 class="visually-hidden">${titleOf(turn.prompt)}</h1>
<p class="prose long-prompt">${beginningOf(prompt)}</p>${isCut(prompt) && cutNote(wholePath)}`
}

function factsOf(turn: Turn): Html {
  const seconds = secondsBetween(turn.startedAt, turn.endedAt)
  return html`<p class="facts">
${turn.outcome !== null && html`<span class="badge ${outcomeClass(turn.outcome)}">${turn.outcome}</span>`}
<time datetime="${turn.startedAt.toISOString()}">${formatDay(turn.startedAt)}, ${formatTime(turn.startedAt)}</time>
${seconds !== undefined && html`<span>${formatSeconds(seconds)}</span>`}
${turn.agent !== null && html`<span>${turn.agent}</span>`}
${turn.model !== null && html`<span>${turn.model}</span>`}
${turn.userId !== null && html`<span>${turn.userId}</span>`}
${turn.transport !== null && html`<span>${turn.transport}${turn.urlPath !== null && html` ${turn.urlPath}`}</span>`}
${turn.outputTokens !== null && html`<span>${formatNumber(turn.inputTokens ?? 0)} → ${formatNumber(turn.outputTokens)} tokens</span>`}
${(turn.cacheReadTokens ?? 0) > 0 && html`<span>${formatNumber(turn.cacheReadTokens ?? 0)} from cache</span>`}
${turn.errorType !== null && html`<span class="badge bad">${turn.errorType}</span>`}
</p>`
}

/** By `turnlog.link.type`; another library's link has none. */
const linkWords: Readonly<Record<string, string>> = {
  previous_turn: 'Goes on from',
  caller: 'Asked for by',
}

function linkedTurn({ traceId, type, promptPreview, startedAt }: LinkedTurn): Html {
  return html`<p class="linked-turn">${linkWords[type ?? ''] ?? 'Linked to'} <a href="/turns/${traceId}">${titleOf(promptPreview)}</a>
<time datetime="${startedAt.toISOString()}">${formatDay(startedAt)}, ${formatTime(startedAt)}</time></p>`
}

function answerBlock(turn: Turn, isAwaited: boolean): Html {
  const wholePath = `/turns/${turn.traceId}/${turn.spanId}/answer`
  const { answer, answerBytes } = turn
  return html`<section class="answer"><h2>Answer</h2>${
    answerBytes !== null
      ? bytesNote({ bytes: answerBytes, wholePath })
      : answer === null
        ? isAwaited
          ? awaitedNote('It')
          : html`<p class="note">No answer was recorded.</p>`
        : html`<p class="prose">${answer}</p>${isCut(answer) && cutNote(wholePath)}`
  }</section>`
}

function decisionsBlock(decisions: readonly TurnDecision[]): Html {
  return html`<section class="decisions"><h2>Decisions</h2><ol>${decisions.map(
    (decision) => html`<li>
<span class="badge ${decisionClass(decision.decision)}">${decision.decision ?? 'decided'}</span>
<span class="path">${toVisible(decision.path ?? '')}</span>
<span class="facts">
${decision.outcome !== null && html`<span>${decision.outcome.replaceAll('_', ' ')}</span>`}
${decision.source !== null && html`<span>by ${decision.source}</span>`}
${decision.seconds !== null && html`<span>after ${formatSeconds(decision.seconds)}</span>`}
<time datetime="${decision.decidedAt.toISOString()}">${formatTime(decision.decidedAt)}</time></span>
${decision.reason !== null && html`<p class="prose">${decision.reason}</p>`}</li>`,
  )}</ol></section>`
}

export function decisionClass(decision: string | null): string {
  return decision === 'accept' ? 'good' : decision === null ? '' : 'warn'
}

/** A child process that no tool call started. */
function processStep(process: ProcessOfTurn): Step {
  return { at: process.recordedAt, block: html`<li class="step">${processNote(process)}</li>` }
}

function errorStep(error: ErrorOfTurn): Step {
  return {
    at: error.occurredAt,
    block: html`<li class="step error">
<div class="step-head"><span class="kind">Error</span><b>${error.type ?? 'error'}</b>
<span class="facts">${error.origin !== null && html`<span>${error.origin.replaceAll('_', ' ')}</span>`}
<time datetime="${error.occurredAt.toISOString()}">${formatTime(error.occurredAt)}</time></span></div>
${error.message !== null && html`<p class="prose">${error.message}</p>`}
${error.stacktrace !== null && html`<details><summary>Stack</summary><pre class="code">${error.stacktrace}</pre></details>`}
</li>`,
  }
}

function limitNote({ modelCalls, toolCalls, fileOperations }: WholeTurn): Html | false {
  const isFull = [modelCalls, toolCalls, fileOperations].some((list) => list.length === recordsMax)
  return (
    isFull &&
    html`<p class="note">The first ${recordsMax} of each kind are shown; the SQL views have all of them.</p>`
  )
}

function idsOf(turn: Turn): Html {
  return html`<footer class="ids"><dl>
<dt>Trace</dt><dd>${turn.traceId}</dd>
${turn.sessionId !== null && html`<dt>Session</dt><dd><a href="/?${new URLSearchParams({ session: turn.sessionId }).toString()}">${turn.sessionId}</a></dd>`}
${turn.conversationId !== null && html`<dt>Conversation</dt><dd>${turn.conversationId}</dd>`}
</dl></footer>`
}
