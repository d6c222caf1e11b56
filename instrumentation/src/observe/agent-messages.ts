/**
 * The messages between an app and the Claude Code that it has started, as the Claude Agent SDK does, with `--input-format stream-json`
 * and `--output-format stream-json`. Each line is a JSON message. Only messages that begin or end a turn are read.
 * Pure, and never throws.
 */
import { asArray, asObject, asString, parseJson } from '@turnlog/conventions/plain'
import type { TurnFailure } from '../record/turn-result.ts'

/** A longer message is not read. */
export const messageLengthMax = 4 * 1024 ** 2

export interface AgentResult {
  readonly text: string | undefined
  readonly failure: TurnFailure | undefined
  /** It was stopped before it had a result. */
  readonly isStopped?: boolean
  readonly conversation: string | undefined
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

/** Most lines are pieces of an answer: a search of the text spares their parsing. */
function messageOf(line: string, type: string) {
  if (!line.startsWith('{') || !line.includes(`"${type}"`)) return undefined
  const message = asObject(parseJson(line))
  return message?.type === type ? message : undefined
}
