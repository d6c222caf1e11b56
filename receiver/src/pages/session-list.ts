/** The list of sessions: for each recorder how many of its records landed, and what was noticed and not recorded. */
import {
  type Completeness,
  type SessionSummary,
  sessionsPerPage,
} from '../storage/queries/recent-sessions.ts'
import { countOf, formatDay, formatNumber, formatTime } from './format.ts'
import { type Html, html } from './html.ts'
import { document } from './layout.ts'
import { selfCheckBlock, unseenBlock } from './unseen.ts'

export function sessionListPage(options: {
  /** One more than `sessionsPerPage` when there are older ones. */
  readonly sessions: readonly SessionSummary[]
  /** Set when only this one is asked for. */
  readonly sessionId: string | undefined
}): string {
  const { sessions, sessionId } = options
  const shown = sessions.slice(0, sessionsPerPage)
  const last = sessions.length > sessionsPerPage ? shown.at(-1) : undefined
  return document({
    title: 'Sessions',
    tab: 'sessions',
    body: html`<h1 class="page-title">Sessions</h1>
<p class="lead">A session is one run of an app. Its recorders number their records, so missing ones are noticed:
recorded = landed + rejected + dropped + missing. What an app was seen to do and could not be recorded is counted as unseen.</p>
${sessionId !== undefined && html`<p class="filter">Only <code>${sessionId}</code> · <a href="/sessions">all sessions</a></p>`}
${sessions.length === 0 && html`<section class="empty"><p>Nothing has landed yet.</p></section>`}
<ol class="sessions">${shown.map(listItem)}</ol>
${last && html`<p class="older"><a href="${olderPath(last)}" rel="next">Older sessions</a></p>`}`,
  })
}

function olderPath(last: SessionSummary): string {
  return `/sessions?${new URLSearchParams({ before: last.lastRecordAtText, after: last.sessionId })}`
}

function listItem(session: SessionSummary): Html {
  const { startedAt, endedAt, recorders, unseen, selfCheck } = session
  return html`<li class="card session" id="${session.sessionId}">
<div class="session-head">
<h2>${session.serviceName ?? 'unnamed'}${session.serviceVersion !== null && html` <small>${session.serviceVersion}</small>`}</h2>
${stateOf(session)}
</div>
<p class="facts">
<time datetime="${startedAt.toISOString()}">${formatDay(startedAt)}, ${formatTime(startedAt)}</time>
${endedAt !== null && html`<span>until <time datetime="${endedAt.toISOString()}">${formatTime(endedAt)}</time></span>`}
${session.userId !== null && html`<span>${session.userId}</span>`}
${contentsOf(session)}
${session.gitRevision !== null && html`<span title="${session.gitRevision}">${session.gitBranch ?? 'detached'} at ${session.gitRevision.slice(0, 8)}</span>`}
</p>
${recorders.length > 0 && completenessTable(recorders)}
${unseenBlock(unseen)}
${selfCheckBlock(selfCheck)}
<p class="id">${session.sessionId}</p>
</li>`
}

function contentsOf({ sessionId, turns, fileOperations, hasExpired }: SessionSummary): Html {
  if (hasExpired) return html`<span>expired: its records were deleted by age</span>`
  return html`<a href="/?${new URLSearchParams({ session: sessionId }).toString()}">${countOf(turns, 'turn')}</a>
<span>${countOf(fileOperations, 'file operation')}</span>`
}

function stateOf({ endedAt, abandoned, exitCode }: SessionSummary): Html {
  if (endedAt === null) return html`<span class="badge">no end recorded</span>`
  if (abandoned) return html`<span class="badge warn">killed or crashed</span>`
  if (exitCode !== null && exitCode !== 0)
    return html`<span class="badge bad">exit ${exitCode}</span>`
  return html`<span class="badge good">ended</span>`
}

const columns = ['recorded', 'landed', 'rejected', 'dropped', 'missing', 'unseen'] as const
/** What should be 0. */
const lacks: readonly string[] = ['rejected', 'dropped', 'missing', 'unseen']

/** On a narrow window the style sheet shows the name of each column beside its number. */
function completenessTable(recorders: readonly Completeness[]): Html {
  return html`<table class="completeness">
<thead><tr><th scope="col">recorder</th>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${recorders.map(
    (recorder) => html`<tr>
<th scope="row" title="${recorder.recorderId}">${recorder.recorderId.slice(0, 8)}</th>${columns.map(
      (name) =>
        html`<td data-name="${name}"${isLacking(name, recorder[name]) && html` class="lacking"`}>${count(recorder[name])}</td>`,
    )}</tr>`,
  )}</tbody></table>`
}

/** How much is missing may be unknown, which is no good news; whether something was unseen, only to older versions. */
function isLacking(name: (typeof columns)[number], value: number | null): boolean {
  return lacks.includes(name) && (name === 'unseen' ? (value ?? 0) > 0 : value !== 0)
}

function count(value: number | null): string {
  return value === null ? '?' : formatNumber(value)
}
