/** The script for each request of a user: the tools that each answer asks for, and the final answer. Pure. */

import { unquote, type Wish } from './wish.ts'

export interface ToolUse {
  readonly name: string
  readonly input: Readonly<Record<string, unknown>>
}
export interface ToolOutcome {
  readonly text: string
  readonly isError: boolean
}

/** Yields the tool calls of one answer, is resumed with their results, and returns the text of the final answer. */
export type Plan = Generator<readonly ToolUse[], string, readonly ToolOutcome[]>

const greetings = [
  'Hello, world!',
  'Good to see you!',
  'Welcome, whoever reads this.',
  'Have a calm and curious day.',
]

/** How much of a file or an output an answer shows; it says if more was cut. */
const shownCharsMax = 2_000

const whatItCanDo = `I am a scripted model: no intelligence, only a few phrases, so that you can try this app without an API key. Try one of these:

- add a greeting to hello.txt
- create notes/today.md with "Buy milk"
- replace milk with bread in notes/today.md
- rename hello.txt to greetings.txt
- read greetings.txt
- list files
- run date
- delete greetings.txt
- count to 50

Join them with "then" to have several done in one go. With the API key of a model set, such as ANTHROPIC_API_KEY, that model answers here.`

export function* planFor(wishes: readonly Wish[]): Plan {
  if (wishes.length === 0) return whatItCanDo
  const answers: string[] = []
  for (const wish of wishes) answers.push(yield* planForOne(wish))
  return answers.join('\n\n')
}

function* planForOne(wish: Wish): Plan {
  switch (wish.kind) {
    case 'add':
      return yield* planAdd(wish.what, wish.path)
    case 'create':
      return yield* planCreate(wish.paths, wish.content)
    case 'replace': {
      const { path, old, new: next } = wish
      const outcome = yield* use('edit_file', { path, old_text: old, new_text: next })
      return outcome.isError ? apology(outcome) : `Done. In ${path}, “${old}” is now “${next}”.`
    }
    case 'delete': {
      const outcomes = yield wish.paths.map((path) => ({ name: 'delete_file', input: { path } }))
      const done = `Done. I deleted ${listed(wish.paths)}.`
      return summary(outcomes, `${done} Revert it in the Changes panel, should you miss it.`)
    }
    case 'rename': {
      const { from, to } = wish
      const outcome = yield* use('rename_file', { from, to })
      return outcome.isError ? apology(outcome) : `Done. ${from} is now called ${to}.`
    }
    case 'list': {
      const outcome = yield* use('list_files', { path: wish.path })
      return outcome.isError ? apology(outcome) : `Here is what I found:\n\n${shown(outcome.text)}`
    }
    case 'read':
      return yield* planRead(wish.paths)
    case 'run': {
      const { command } = wish
      const outcome = yield* use('run_command', { command })
      if (outcome.isError) return apology(outcome)
      return `I ran \`${command}\`. This came back:\n\n${shown(outcome.text)}`
    }
    case 'count':
      return Array.from({ length: wish.to }, (_, at) => at + 1).join(' ')
  }
}

function* planAdd(what: string, path: string): Plan {
  const read = yield* use('read_file', { path })
  const before = read.isError ? '' : read.text
  const line = /\bgreeting\b/i.test(what) ? greetingFor(before) : unquote(what)
  const written = yield* use(...addition(path, before, line))
  if (written.isError) return apology(written)
  return `Done. I added “${line}” to ${path}${read.isError ? ', which is a new file' : ''}. If you like it, accept it in the Changes panel; if not, revert it there.`
}

/** An edit_file that adds a line at the end if its anchor occurs once, else a write_file of the whole file. */
function addition(path: string, before: string, line: string): [string, ToolUse['input']] {
  const separator = before === '' || before.endsWith('\n') ? '' : '\n'
  const last = before.trimEnd().split('\n').at(-1) ?? ''
  const lineEnd = before.includes('\r\n') ? '\r\n' : '\n'
  const anchor = last.trimEnd()
  if (anchor === '' || before.split(anchor).length !== 2) {
    return ['write_file', { path, content: `${before}${separator}${line}${lineEnd}` }]
  }
  return ['edit_file', { path, old_text: anchor, new_text: `${anchor}${lineEnd}${line}` }]
}

function greetingFor(text: string): string {
  return greetings.find((greeting) => !text.includes(greeting)) ?? 'And hello once more!'
}

function* planCreate(paths: readonly string[], words: string): Plan {
  const text = /^an?\s+(?:\w+\s+)?greeting$/i.test(words) ? greetingFor('') : unquote(words)
  const content = text === '' || text.endsWith('\n') ? text : `${text}\n`
  const outcomes = yield paths.map((path) => ({ name: 'write_file', input: { path, content } }))
  return summary(outcomes, `Done. I wrote ${listed(paths)}. You will find it in the Changes panel.`)
}

function* planRead(paths: readonly string[]): Plan {
  const outcomes = yield paths.map((path) => ({ name: 'read_file', input: { path } }))
  const parts = outcomes.map((outcome, at) =>
    outcome.isError ? apology(outcome) : `This is ${paths[at]}:\n\n${shown(outcome.text)}`,
  )
  return parts.join('\n\n')
}

/** Calls one tool and returns its result. */
function* use(
  name: string,
  input: ToolUse['input'],
): Generator<readonly ToolUse[], ToolOutcome, readonly ToolOutcome[]> {
  const [outcome] = yield [{ name, input }]
  return outcome ?? { text: 'The tool answered nothing.', isError: true }
}

function summary(outcomes: readonly ToolOutcome[], success: string): string {
  const failed = outcomes.filter((outcome) => outcome.isError)
  return failed.length === 0 ? success : failed.map(apology).join('\n')
}

function apology(outcome: ToolOutcome): string {
  return `That did not work. ${shown(outcome.text)}`
}

function shown(text: string): string {
  if (text.length <= shownCharsMax) return text.trimEnd() || '(nothing)'
  return `${text.slice(0, shownCharsMax)}\n… (the first ${shownCharsMax} of ${text.length} characters)`
}

function listed(paths: readonly string[]): string {
  return paths.length < 2
    ? (paths[0] ?? 'nothing')
    : `${paths.slice(0, -1).join(', ')} and ${paths.at(-1)}`
}
