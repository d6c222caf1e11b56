/** The requests in simple English that the script understands, and how they are recognised. Pure. */

export type Wish =
  | { readonly kind: 'add'; readonly what: string; readonly path: string }
  | { readonly kind: 'create'; readonly paths: readonly string[]; readonly content: string }
  | { readonly kind: 'replace'; readonly old: string; readonly new: string; readonly path: string }
  | { readonly kind: 'delete'; readonly paths: readonly string[] }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'list'; readonly path: string }
  | { readonly kind: 'read'; readonly paths: readonly string[] }
  | { readonly kind: 'run'; readonly command: string }
  | { readonly kind: 'count'; readonly to: number }

const path = String.raw`(?:"[^"]+"|'[^']+'|\`[^\`]+\`|[^\s,"'\`]+)`
const paths = String.raw`${path}(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+)${path})*`
const theFile = String.raw`(?:the\s+|an?\s+)?(?:new\s+)?(?:text\s+)?(?:files?\s+)?(?:called\s+|named\s+)?`

/** A long answer to watch or interrupt: streaming this many lines takes about eight seconds. */
const countMax = 2_000

interface Phrase {
  readonly pattern: RegExp
  readonly wish: (part: (name: string) => string) => Wish
}

/** The first phrase that matches decides, so specific phrases come first. */
const phrases: readonly Phrase[] = [
  {
    pattern: /^(?:run|execute)\s+(?:the\s+command\s+|the\s+program\s+)?(?<command>.+)$/is,
    wish: (part) => ({ kind: 'run', command: unquote(part('command')) }),
  },
  {
    pattern: phrase(
      String.raw`(?:replace|change)\s+(?<old>.+?)\s+(?:with|to|by)\s+(?<new>.+?)\s+in\s+${theFile}(?<path>${path})`,
    ),
    wish: (part) => ({
      kind: 'replace',
      old: unquote(part('old')),
      new: unquote(part('new')),
      path: unquote(part('path')),
    }),
  },
  {
    pattern: phrase(
      String.raw`(?:add|append|put)\s+(?<what>.+?)\s+(?:to|into|in)\s+${theFile}(?<path>${path})`,
    ),
    wish: (part) => ({
      kind: 'add',
      what: part('what').replace(/^an?\s+line\s+(?:saying|that\s+says|with)\s+/i, ''),
      path: unquote(part('path')),
    }),
  },
  {
    pattern: phrase(
      String.raw`(?:create|make|write)\s+${theFile}(?<paths>${paths})(?:\s+(?:with|containing|saying|that\s+says)(?:\s+the\s+(?:text|content|words))?\s*:?\s+(?<content>.+))?`,
    ),
    wish: (part) => ({
      kind: 'create',
      paths: splitPaths(part('paths')),
      content: part('content'),
    }),
  },
  {
    pattern: phrase(
      String.raw`(?:rename|move)\s+${theFile}(?<from>${path})\s+(?:to|as|into)\s+(?<to>${path})`,
    ),
    wish: (part) => ({ kind: 'rename', from: unquote(part('from')), to: unquote(part('to')) }),
  },
  {
    pattern: phrase(String.raw`(?:delete|remove|erase)\s+${theFile}(?<paths>${paths})`),
    wish: (part) => ({ kind: 'delete', paths: splitPaths(part('paths')) }),
  },
  {
    pattern: phrase(
      String.raw`(?:(?:list|show)(?:\s+me)?(?:\s+all)?(?:\s+the|\s+my)?\s+files|ls|list|what\s+files\s+are\s+(?:there|here))(?:\s+(?:in|of|under)\s+(?:the\s+)?(?:folder\s+|directory\s+)?(?<path>${path}))?`,
    ),
    wish: (part) => ({ kind: 'list', path: unquote(part('path')) || '.' }),
  },
  {
    pattern: phrase(
      String.raw`(?:read|show|open|print|display|cat|what\s+is\s+in)(?:\s+me)?\s+${theFile}(?<paths>${paths})`,
    ),
    wish: (part) => ({ kind: 'read', paths: splitPaths(part('paths')) }),
  },
  {
    pattern: /^count\s+(?:up\s+)?to\s+(?<to>\d{1,6})$/i,
    wish: (part) => ({ kind: 'count', to: Math.min(Math.max(Number(part('to')), 1), countMax) }),
  },
]

/**
 * The requests in one message, in order: one, or several joined by "then". Empty if any part is not understood, so
 * that a message is never half done.
 */
export function parseWishes(text: string): readonly Wish[] {
  const whole = tidy(text)
  const parts = whole.split(/[\s,;.]+(?:and\s+)?then\s+/i).map((part) => parseWish(tidy(part)))
  const understood = parts.filter((wish) => wish !== undefined)
  if (parts.length > 1 && understood.length === parts.length) return understood
  const wish = parseWish(whole)
  return wish === undefined ? [] : [wish]
}

function parseWish(text: string): Wish | undefined {
  for (const { pattern, wish } of phrases) {
    const groups = pattern.exec(text)?.groups
    if (groups !== undefined) return wish((name) => groups[name] ?? '')
  }
  return undefined
}

/** Removes polite phrases around a request. */
function tidy(text: string): string {
  return text
    .trim()
    .replace(/^(?:please|now|(?:can|could|would)\s+you(?:\s+please)?)[\s,]+/i, '')
    .replace(/(?:[\s,]+please)?[.!?]*$/i, '')
    .trim()
}

export function unquote(text: string): string {
  const trimmed = text.trim()
  const quoted = /^(["'`])([\s\S]*)\1$/.exec(trimmed) ?? /^“([\s\S]*)”$/.exec(trimmed)
  return quoted?.at(-1) ?? trimmed
}

function splitPaths(list: string): readonly string[] {
  return (list.match(new RegExp(path, 'g')) ?? [])
    .map(unquote)
    .filter((name) => name.toLowerCase() !== 'and')
}

function phrase(words: string): RegExp {
  return new RegExp(`^${words}$`, 'is')
}
