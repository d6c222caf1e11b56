/** Pages that say why the page asked for is not shown. */
import type { FailureFormat } from '../http/refuse.ts'
import { html } from './html.ts'
import { messageDocument } from './layout.ts'

export function notSignedInPage(options: { readonly wasRefused: boolean }): string {
  return messageDocument({
    title: options.wasRefused ? 'This link does not work any more' : 'Not signed in',
    body: html`<p>${
      options.wasRefused
        ? 'A link signs in once, and within an hour.'
        : 'These pages show what was said to the agent and what it did. They open with a link.'
    }</p>
<p>A new one is printed by <code>npm start</code> when it starts, and by</p>
<pre class="command">npx @turnlog/receiver link</pre>`,
  })
}

function notFoundPage(): string {
  return messageDocument({
    title: 'There is no such page',
    body: html`<p>A turn may not have landed yet, or may have expired.</p>
<p><a href="/">Recent turns</a></p>`,
  })
}

export function awaitedPage(): string {
  return messageDocument({
    title: 'This content is not here yet',
    body: html`<p>It is too large to be sent in its record. It is still being sent, waits on the machine that
recorded it, or was lost.</p>
<p><a href="/">Recent turns</a></p>`,
  })
}

function wrongHostPage(): string {
  return messageDocument({
    title: 'Unknown host name',
    body: html`<p>For safety these pages answer under <code>localhost</code> and <code>127.0.0.1</code> only.
Other names are allowed by the setting <code>TURNLOG_RECEIVER_HOSTS</code>.</p>`,
  })
}

function unavailablePage(): string {
  return messageDocument({
    title: 'Not right now',
    body: html`<p>The database does not answer. Nothing is lost: clients that send now are asked to send again.</p>`,
  })
}

/** The page for a failure. */
export const pageFormat: FailureFormat = ({ httpStatus }) => ({
  contentType: 'text/html; charset=utf-8',
  body: pages[httpStatus]?.() ?? notFoundPage(),
})

const pages: Readonly<Record<number, () => string>> = {
  401: () => notSignedInPage({ wasRefused: false }),
  404: notFoundPage,
  421: wrongHostPage,
  503: unavailablePage,
}
