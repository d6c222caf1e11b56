/**
 * The panel's style sheet. It is constructed by script, which a strict content security policy allows.
 *
 * It follows the page's font and colour scheme. The page may set `--turnlog-surface`, `--turnlog-ink`, `--turnlog-quiet`,
 * `--turnlog-line` and `--turnlog-accent`.
 */

const text = `
:host {
  --surface: var(--turnlog-surface, light-dark(#ffffff, #1b1d21));
  --ink: var(--turnlog-ink, light-dark(#23262b, #e4e6ea));
  --quiet: var(--turnlog-quiet, light-dark(#6a707a, #979ea9));
  --line: var(--turnlog-line, light-dark(#e3e5e9, #32363d));
  --accent: var(--turnlog-accent, light-dark(#3a63c8, #8caaf5));
  --hover: light-dark(#f4f5f7, #24272c);
  --green: light-dark(#1c7a45, #6fcf97);
  --green-tint: light-dark(#e5f5eb, #18332383);
  --red: light-dark(#b3372f, #f2938c);
  --red-tint: light-dark(#fcebe9, #40201f8a);
  --amber: light-dark(#8a5a00, #e5b567);
  --amber-tint: light-dark(#fdf3dc, #3a2e15);
  --mono: ui-monospace, 'SF Mono', 'Cascadia Code', Menlo, Consolas, 'DejaVu Sans Mono', monospace;
  display: block;
  position: relative;
  container-type: inline-size;
  color: var(--ink);
  line-height: 1.45;
}
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
button { font: inherit; color: inherit; cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }

header { display: flex; align-items: baseline; gap: .75em; padding-block-end: .75em; }
h2 { margin: 0; font-size: 1rem; font-weight: 650; }
.open { color: var(--quiet); font-size: .8125rem; }

.list { margin: 0; padding: 0; list-style: none; display: grid; gap: .625rem; }
.change {
  min-width: 0; background: var(--surface); border: 1px solid var(--line); border-radius: .625rem;
  overflow: clip;
}
.deciding { opacity: .65; }
.head { display: flex; align-items: center; }
.summary {
  flex: 1; min-width: 0; display: flex; align-items: center; gap: .5rem;
  padding: .625rem .75rem .375rem; background: none; border: 0; text-align: start;
}
.summary:focus-visible { outline-offset: -3px; border-radius: .625rem; }
.twisty {
  flex: none; width: .4375rem; height: .4375rem; margin-inline: .125rem .1875rem;
  border: solid var(--quiet); border-width: 0 1.5px 1.5px 0; transform: rotate(-45deg);
  transition: transform .12s;
}
[aria-expanded='true'] .twisty { transform: rotate(45deg); }
.kind { flex: none; font-size: .75rem; font-weight: 600; color: var(--quiet); }
.kind.create { color: var(--green); }
.kind.delete { color: var(--red); }
.kind.edit, .kind.write { color: var(--accent); }
.kind.rename { color: var(--amber); }
.path { flex: 1; min-width: 0; font: .8125rem/1.4 var(--mono); overflow-wrap: anywhere; }
.arrow { color: var(--quiet); }
.counts { flex: none; display: flex; gap: .375rem; font: .75rem/1.4 var(--mono); }
.plus { color: var(--green); }
.minus { color: var(--red); }
.age { flex: none; padding: .625rem .75rem .375rem 0; font-size: .75rem; color: var(--quiet); }

.foot {
  display: flex; flex-wrap: wrap; align-items: center; gap: .375rem .75rem; min-height: 2.125rem;
  padding: 0 .75rem .625rem 1.9375rem;
}
.state { font-size: .8125rem; font-weight: 550; }
.state:empty { display: none; }
.state::before {
  content: ''; display: inline-block; width: .5rem; height: .5rem; margin-inline-end: .4375rem;
  border-radius: 50%; background: currentColor;
}
.state.kept { color: var(--green); }
.state.refused { color: var(--red); }
.state.restored { color: var(--quiet); }
.choices { display: flex; gap: .375rem; }
.choice, .more {
  padding: .1875rem .6875rem; font-size: .8125rem; background: var(--surface);
  border: 1px solid var(--line); border-radius: .4375rem; transition: background .12s, border-color .12s;
}
.choice:hover, .more:hover { background: var(--hover); border-color: var(--quiet); }
.choice.accept { color: var(--green); }
.choice.reject { color: var(--red); }
.deciding .choice { cursor: progress; }

.message, .problem {
  margin: 0; padding: .5rem .75rem; font-size: .8125rem; color: var(--amber);
  background: var(--amber-tint); overflow-wrap: anywhere;
}
.problem { margin-block-end: .625rem; border-radius: .625rem; }
.empty, .note { margin: 0; font-size: .8125rem; color: var(--quiet); }
.empty {
  padding: 1.75rem 1.25rem; text-align: center; text-wrap: balance; border: 1px dashed var(--line);
  border-radius: .625rem;
}
.list + .note { padding: .75rem; text-align: center; }

.detail { border-block-start: 1px solid var(--line); }
.detail .note { padding: .75rem; }
.diff { max-height: 26rem; overflow: auto; font: .75rem/1.6 var(--mono); }
.diff:focus-visible { outline-offset: -3px; }
.lines { min-width: max-content; padding-block: .25rem; }
.line { display: flex; }
.number {
  flex: none; width: 2.5rem; padding-inline-end: .5rem; text-align: end; color: var(--quiet);
  opacity: .7; user-select: none;
}
.number + .number { width: 2rem; }
@container (width < 30rem) { .number:first-child { display: none; } .number + .number { width: 2.25rem; } }
.marker { flex: none; width: 1.125rem; text-align: center; user-select: none; }
.text { white-space: pre; unicode-bidi: isolate; tab-size: 4; padding-inline-end: .75rem; }
.added { background: var(--green-tint); }
.removed { background: var(--red-tint); }
.added .marker { color: var(--green); }
.removed .marker { color: var(--red); }
.hunk, .line.header, .line.note { color: var(--quiet); }
.hunk { background: var(--hover); }
.line.note { padding: 0; font-style: italic; }
.control { color: var(--amber); font-size: .9em; }
.more { margin: .5rem .75rem .75rem; }

.spoken {
  position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap;
}
@media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
`

/** @type {CSSStyleSheet | undefined} */
let sheet

/** All panels of a page share one sheet. */
export function styles() {
  if (sheet === undefined) {
    sheet = new CSSStyleSheet()
    sheet.replaceSync(text)
  }
  return sheet
}
