/**
 * What an app and a Claude Code that it has started write to each other: the arguments, and, with `--input-format stream-json` and
 * `--output-format stream-json`, as the Claude Agent SDK starts it, a JSON message a line. Pure, and never throws. Of the messages
 * only those are read that begin and end a turn.
 */
import { asArray, asObject, asString, parseJson } from '@turnlog/conventions/plain'
import type { TurnFailure } from '../record/turn-result.ts'

/** A longer line is not read. */
const lineLengthMax = 4 * 1024 ** 2

/** How it is asked, and how it answers. */
export interface AgentArguments {
  /** It answers and ends, or is asked by messages: no person types to it. */
  readonly isAsked: boolean
  /** The user's text, if the arguments have it. */
  readonly prompt: string | undefined
  /** All that it reads is the user's text. */
  readonly readsText: boolean
  /** All that it writes is its answer. */
  readonly answersText: boolean
}

export interface AgentResult {
  readonly text: string | undefined
  readonly failure: TurnFailure | undefined
  readonly conversation: string | undefined
}

const printing = new Set(['-p', '--print'])

/** `args` as Node passes them on, the program first. */
export function agentArguments(args: readonly string[]): AgentArguments {
  const at = args.findIndex((each) => printing.has(each))
  const input = optionOf(args, '--input-format')
  const readsText = input !== 'stream-json'
  const next = at === -1 ? undefined : args[at + 1]
  return {
    isAsked: at !== -1 || !readsText,
    prompt: next === undefined || next.startsWith('-') || !readsText ? undefined : next,
    readsText,
    answersText: (optionOf(args, '--output-format') ?? 'text') === 'text',
  }
}

/** The text that the app asks with; `undefined`: the message asks nothing. */
export function askedText(line: string): string | undefined {
  const message = messageOf(line, 'user')
  if (message === undefined || asString(message.parent_tool_use_id) !== undefined) return undefined
  const content = asObject(message.message)?.content
  if (typeof content === 'string') return content
  const texts = (asArray(content) ?? []).flatMap((each) => {
    const part = asObject(each)
    const text = part?.type === 'text' ? asString(part.text) : undefined
    return text === undefined ? [] : [text]
  })
  return texts.length === 0 ? undefined : texts.join('\n')
}

/** The model that it works with. */
export function modelOf(line: string): string | undefined {
  const message = messageOf(line, 'system')
  return message?.subtype === 'init' ? asString(message.model) : undefined
}

/** What ends a turn. */
export function resultOf(line: string): AgentResult | undefined {
  const message = messageOf(line, 'result')
  if (message === undefined) return undefined
  const { subtype, result, session_id: session, errors } = message
  const isFailed = message.is_error === true || subtype !== 'success'
  const said = asString(result) ?? (asArray(errors) ?? []).map(String).join('\n')
  const type = subtype === 'success' ? 'agent_error' : (asString(subtype) ?? 'agent_error')
  return {
    text: isFailed ? undefined : asString(result),
    failure: isFailed ? { type, message: said } : undefined,
    conversation: asString(session),
  }
}

/** The lines of a stream, as its pieces come. */
export class Lines {
  #rest = ''
  #isTooLong: boolean = false

  push(piece: string): string[] {
    const lines = (this.#rest + piece).split('\n')
    this.#rest = lines.pop() ?? ''
    if (this.#isTooLong && lines.length > 0) {
      lines.shift()
      this.#isTooLong = false
    }
    if (this.#rest.length > lineLengthMax) {
      this.#rest = ''
      this.#isTooLong = true
    }
    return lines
  }
}

/** Most lines are pieces of an answer: a search of the text spares their parsing. */
function messageOf(line: string, type: string) {
  if (!line.startsWith('{') || !line.includes(`"${type}"`)) return undefined
  const message = asObject(parseJson(line))
  return message?.type === type ? message : undefined
}

function optionOf(args: readonly string[], name: string): string | undefined {
  const at = args.findIndex((each) => each === name || each.startsWith(`${name}=`))
  if (at === -1) return undefined
  const [, value] = (args[at] ?? '').split('=')
  return value ?? args[at + 1]
}
