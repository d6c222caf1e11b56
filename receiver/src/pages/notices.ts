/** Pages that say why the page asked for is not shown. */
import type { FailureFormat } from '../http/refuse.ts'
import { type Html, html } from './html.ts'
import { document } from './layout.ts'

function notice(title: string, text: Html): string {
  const body = html`<section class="message"><h1>${title}</h1>${text}</section>`
  return document({ title, tab: 'none', body })
}

export function notSignedInPage({ wasRefused }: { readonly wasRefused: boolean }): string {
  return notice(
    wasRefused ? 'This link does not work any more' : 'Not signed in',
    html`<p>${
      wasRefused
        ? 'A link signs in once, and within an hour.'
        : 'These pages show what was said to the agent and what it did. They open with a link.'
    }</p>
<p>A new one is printed by <code>npm start</code> when it starts, and by</p>
<pre class="command">npx @turnlog/receiver link</pre>`,
  )
}

export const awaitedPage = notice(
  'This content is not here yet',
  html`<p>It is too large to be sent in its record. It is still being sent, waits on the machine that
recorded it, or was lost.</p>
<p><a href="/">Recent turns</a></p>`,
)

const notFoundPage = notice(
  'There is no such page',
  html`<p>A turn may not have landed yet, or may have expired.</p>
<p><a href="/">Recent turns</a></p>`,
)

const pages: Readonly<Record<number, string>> = {
  401: notSignedInPage({ wasRefused: false }),
  421: notice(
    'Unknown host name',
    html`<p>For safety these pages answer under <code>localhost</code> and <code>127.0.0.1</code> only.
Other names are allowed by the setting <code>TURNLOG_RECEIVER_HOSTS</code>.</p>`,
  ),
  503: notice(
    'Not right now',
    html`<p>The database does not answer. Nothing is lost: clients that send now are asked to send again.</p>`,
  ),
}

/** The page for a failure. */
export const pageFormat: FailureFormat = ({ httpStatus }) => ({
  contentType: 'text/html; charset=utf-8',
  body: pages[httpStatus] ?? notFoundPage,
})
