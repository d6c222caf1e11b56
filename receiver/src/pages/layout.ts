/** What every page has around it. */
import { type Html, html, toText } from './html.ts'

export type Place = 'turns' | 'sessions' | 'none'

/** A whole document. Without a place there is no navigation: nobody is signed in. */
export function document(options: {
  readonly title: string
  readonly place: Place
  readonly body: Html
}): string {
  const { title, place, body } = options
  const link = (to: Place, path: string, text: string) =>
    html`<a href="${path}"${to === place && html` aria-current="page"`}>${text}</a>`
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
${place !== 'none' && html`<nav class="tabs">${link('turns', '/', 'Turns')}${link('sessions', '/sessions', 'Sessions')}</nav>`}
</header>
<main>
${body}
</main>
</body>
</html>
`
  return toText(page)
}

/** A page of one message: not signed in, not found, not now. */
export function messageDocument(options: { readonly title: string; readonly body: Html }): string {
  const { title, body } = options
  return document({
    title,
    place: 'none',
    body: html`<section class="message"><h1>${title}</h1>${body}</section>`,
  })
}
