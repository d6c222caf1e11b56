/** What a page says of work that was noticed and not recorded, and of what was observed at all. */
import { toVisible } from '@turnlog/web/visible-text.js'
import type { LastSelfCheck } from '../storage/queries/last-self-checks.ts'
import type { Unseen } from '../storage/queries/unseen-of-sessions.ts'
import { countOf, formatNumber } from './format.ts'
import { type Html, html } from './html.ts'

/** Further kinds are summed up. */
const kindsShownMax = 10

export function unseenCount(unseen: readonly Unseen[]): number {
  return unseen.reduce((sum, { count }) => sum + count, 0)
}

/** Nothing when everything was seen, as far as it is known. */
export function unseenBlock(unseen: readonly Unseen[]): Html | false {
  if (unseen.length === 0) return false
  const shown = unseen.slice(0, kindsShownMax)
  const others = unseen.slice(kindsShownMax)
  return html`<section class="unseen"><h3>${formatNumber(unseenCount(unseen))} not seen</h3>
<p class="note">Noticed, and not recorded: no turn, call or file operation shows it.</p>
<ul>${shown.map(kind)}
${others.length > 0 && html`<li class="unseen-kind"><b>${formatNumber(unseenCount(others))}</b> more; the SQL view <code>unseen_work</code> has all of them</li>`}</ul></section>`
}

function kind({ reason, why, host, port, path, count }: Unseen): Html {
  const what = nounOf(reason, why)
  const address =
    host === null ? undefined : `${host}${port === null ? '' : `:${port}`}${path ?? ''}`
  const noticed = reason === 'workspace_change' && why === 'outside_turn' ? null : why
  return html`<li class="unseen-kind"><b>${formatNumber(count)}</b> ${count === 1 ? what.one : what.many}${
    address !== undefined && html` <code>${toVisible(address)}</code>`
  }${noticed !== null && html` <span class="why">${toVisible(noticed.replaceAll('_', ' '))}</span>`}</li>`
}

function nounOf(reason: string | null, why: string | null) {
  switch (reason) {
    case 'model_traffic':
      return {
        one: 'request like a model’s, of no API that is understood',
        many: 'requests like a model’s, of no API that is understood',
      }
    case 'model_call_bytes':
      return {
        one: 'model call whose answer was not seen',
        many: 'model calls whose answers were not seen',
      }
    case 'ambiguous_model_call':
      return {
        one: 'model call that may belong to several turns',
        many: 'model calls that may belong to several turns',
      }
    case 'agent_child':
      return {
        one: 'agent that was started and did not trace itself',
        many: 'agents that were started and did not trace themselves',
      }
    case 'workspace_change':
      return why === 'outside_turn'
        ? { one: 'file changed outside of any turn', many: 'files changed outside of any turn' }
        : { one: 'change of the workspace', many: 'changes of the workspace' }
    case 'failed_step':
      return { one: 'failed step of Turnlog', many: 'failed steps of Turnlog' }
    default:
      return { one: 'thing', many: 'things' }
  }
}

export function selfCheckBlock(check: LastSelfCheck | undefined): Html | false {
  if (check === undefined) return false
  const { bound, notBound, versions } = check
  return html`<details class="self-check"><summary>${countOf(bound.length, 'part')} observed${
    notBound.length > 0 &&
    html`, <b>${formatNumber(notBound.length)} not</b>: ${notBound
      .map(([part, reason]) => `${words(part)} (${words(reason)})`)
      .join(', ')}`
  }</summary>
<dl class="pairs"><dt>observed</dt><dd>${bound.map(words).join(', ')}</dd>
${versions.map(([name, version]) => html`<dt>${toVisible(name)}</dt><dd>${toVisible(version)}</dd>`)}</dl></details>`
}

function words(name: string): string {
  return toVisible(name.replaceAll('_', ' '))
}
