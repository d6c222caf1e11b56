/** The list of sessions: for each recorder how many of its records landed, and what was noticed and not recorded. */
import {
  type Completeness,
  type SessionSummary,
  sessionsMax,
} from '../storage/queries/recent-sessions.ts'
import { countOf, formatDay, formatNumber, formatTime } from './format.ts'
import { type Html, html } from './html.ts'
import { document } from './layout.ts'
import { selfCheckBlock, unseenBlock } from './unseen.ts'

export function sessionListPage(sessions: readonly SessionSummary[]): string {
  return document({
    title: 'Sessions',
    tab: 'sessions',
    body: html`<h1 class="page-title">Sessions</h1>
<p class="lead">A session is one run of an app. Its recorders number their records, so missing ones are noticed:
recorded = landed + rejected + dropped + missing. What an app was seen to do and could not be recorded is counted as unseen.</p>
${sessions.length === 0 && html`<section class="empty"><p>Nothing has landed yet.</p></section>`}
<ol class="sessions">${sessions.map(listItem)}</ol>
${sessions.length === sessionsMax && html`<p class="older">The ${sessionsMax} latest are shown; the SQL view <code>sessions</code> has all of them.</p>`}`,
  })
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

function completenessTable(recorders: readonly Completeness[]): Html {
  return html`<table class="completeness">
<thead><tr><th scope="col">Recorder</th><th scope="col">Recorded</th><th scope="col">Landed</th>
<th scope="col">Rejected</th><th scope="col">Dropped</th><th scope="col">Missing</th><th scope="col">Unseen</th></tr></thead>
<tbody>${recorders.map(
    (recorder) => html`<tr>
<th scope="row" title="${recorder.recorderId}">${recorder.recorderId.slice(0, 8)}</th>
<td>${count(recorder.recorded)}</td><td>${count(recorder.landed)}</td>
<td${flag(recorder.rejected)}>${count(recorder.rejected)}</td>
<td${flag(recorder.dropped)}>${count(recorder.dropped)}</td>
<td${flag(recorder.missing)}>${count(recorder.missing)}</td>
<td${(recorder.unseen ?? 0) > 0 && flag(recorder.unseen)}>${count(recorder.unseen)}</td></tr>`,
  )}</tbody></table>`
}

function count(value: number | null): string {
  return value === null ? '?' : formatNumber(value)
}

function flag(value: number | null): Html | false {
  return value !== 0 && html` class="lacking"`
}
