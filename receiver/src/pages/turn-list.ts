/** The list of turns: of each the beginning of prompt and answer, and counts of what it did. */
import { type TurnSummary, turnsPerPage } from '../storage/queries/recent-turns.ts'
import { countOf, formatDay, formatNumber, formatSeconds, formatTime } from './format.ts'
import { type Html, html } from './html.ts'
import { document } from './layout.ts'

export function turnListPage(options: {
  /** One more than `turnsPerPage` when there are older ones. */
  readonly turns: readonly TurnSummary[]
  readonly sessionId: string | undefined
  /** All records of that session have expired. */
  readonly hasExpired: boolean
  /** How much that session noticed and did not record. */
  readonly unseen: number
}): string {
  const { turns, sessionId, hasExpired, unseen } = options
  const shown = turns.slice(0, turnsPerPage)
  const last = turns.length > turnsPerPage ? shown.at(-1) : undefined
  const byDay = Map.groupBy(shown, ({ startedAt }) => formatDay(startedAt))
  return document({
    title: 'Turns',
    tab: 'turns',
    body: html`<h1 class="page-title">Turns</h1>
${
  sessionId !== undefined &&
  html`<p class="filter">of session <code>${sessionId}</code> · <a href="/">all turns</a>${
    unseen > 0 &&
    html` · <a class="not-seen" href="/sessions?${new URLSearchParams({ session: sessionId }).toString()}">${formatNumber(unseen)} not seen</a>`
  }</p>`
}
${turns.length === 0 && (hasExpired ? expired() : nothingYet())}
${[...byDay].map(
  ([day, ofDay]) => html`<h2 class="day">${day}</h2>
<ol class="turns">${ofDay.map(listItem)}</ol>`,
)}
${last && html`<p class="older"><a href="${olderPath(last, sessionId)}" rel="next">Older turns</a></p>`}`,
  })
}

function listItem(turn: TurnSummary): Html {
  const { promptPreview, answerPreview, outcome } = turn
  return html`<li><a class="turn-link" href="/turns/${turn.traceId}">
<span class="turn-prompt">${promptPreview ?? html`<em>No prompt was recorded</em>`}</span>
${answerPreview !== null && html`<span class="turn-answer">${answerPreview}</span>`}
<span class="facts">
<time datetime="${turn.startedAt.toISOString()}">${formatTime(turn.startedAt)}</time>
${outcome !== null && outcome !== 'completed' && html`<span class="badge ${outcomeClass(outcome)}">${outcome}</span>`}
${turn.seconds !== null && html`<span>${formatSeconds(turn.seconds)}</span>`}
${turn.agent !== null && html`<span>${turn.agent}</span>`}
${turn.model !== null && html`<span>${turn.model}</span>`}
${turn.modelCalls > 0 && html`<span>${countOf(turn.modelCalls, 'model call')}</span>`}
${turn.toolCalls > 0 && html`<span>${countOf(turn.toolCalls, 'tool call')}</span>`}
${turn.fileOperations > 0 && html`<span class="files">${countOf(turn.fileOperations, 'file operation')}</span>`}
${turn.outputTokens !== null && html`<span>${formatNumber(turn.inputTokens ?? 0)} → ${formatNumber(turn.outputTokens)} tokens</span>`}
</span></a></li>`
}

export function outcomeClass(outcome: string): string {
  return outcome === 'failed' ? 'bad' : outcome === 'completed' ? 'good' : 'warn'
}

function olderPath(last: TurnSummary, sessionId: string | undefined): string {
  const query = new URLSearchParams({ before: last.startedAtText, span: last.spanId })
  if (sessionId !== undefined) query.set('session', sessionId)
  return `/?${query}`
}

function expired(): Html {
  return html`<section class="empty"><p>This session has expired.</p>
<p>Its records were deleted by age. How many had landed is still listed under
<a href="/sessions">sessions</a>.</p></section>`
}

function nothingYet(): Html {
  return html`<section class="empty"><p>Nothing has landed yet.</p>
<p>Send the agent a message: the turn is listed here a few seconds later.</p></section>`
}
