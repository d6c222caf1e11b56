/** The document around every page: head, navigation, main. */
import { type Html, html, toText } from './html.ts'

/** The tab that is marked as current; `none` is a page without navigation, for readers who are not signed in. */
export type Tab = 'turns' | 'sessions' | 'none'

export function document(options: {
  readonly title: string
  readonly tab: Tab
  readonly body: Html
}): string {
  const { title, tab, body } = options
  const link = (to: Tab, path: string, text: string) =>
    html`<a href="${path}"${to === tab && html` aria-current="page"`}>${text}</a>`
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Turnlog</title>
<link rel="icon" href="/pages/turnlog.svg" type="image/svg+xml">
<link rel="stylesheet" href="/pages/pages.css">
</head>
<body>
<header class="top">
<a class="brand" href="/"><img src="/pages/turnlog.svg" alt="" width="22" height="22">Turnlog</a>
${tab !== 'none' && html`<nav class="tabs">${link('turns', '/', 'Turns')}${link('sessions', '/sessions', 'Sessions')}</nav>`}
</header>
<main>
${body}
</main>
</body>
</html>
`
  return toText(page)
}
