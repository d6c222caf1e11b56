/** A request to the scripted model, in the same form for all APIs; each API has one file that parses it. */

export interface ToolUseBlock {
  readonly type: 'tool_use'
  readonly id: string
  readonly name: string
  readonly input: Readonly<Record<string, unknown>>
}
export interface ToolResultBlock {
  readonly type: 'tool_result'
  readonly toolUseId: string
  readonly text: string
  /** False in APIs that cannot mark a result as an error. */
  readonly isError: boolean
}
export type Block =
  | { readonly type: 'text'; readonly text: string }
  | ToolUseBlock
  | ToolResultBlock
  /** Images, documents, thinking: valid, but ignored by the script. */
  | { readonly type: 'other' }

export interface Message {
  readonly role: 'user' | 'assistant'
  readonly content: readonly Block[]
}

export interface ModelRequest {
  readonly model: string
  readonly messages: readonly Message[]
  readonly toolNames: readonly string[]
  readonly stream: boolean
}

export type ParsedRequest =
  | { readonly status: 'ok'; readonly request: ModelRequest }
  | { readonly status: 'invalid'; readonly message: string }

export function invalid(message: string): ParsedRequest {
  return { status: 'invalid', message }
}

export function toolUsesOf(message: Message | undefined): readonly ToolUseBlock[] {
  if (message?.role !== 'assistant') return []
  return message.content.filter((block) => block.type === 'tool_use')
}

/** A tool call without a result, or a result without a call; `at` is the position of the message. */
export type Mismatch =
  | { readonly kind: 'unasked'; readonly at: number; readonly id: string }
  | { readonly kind: 'unanswered'; readonly at: number; readonly ids: readonly string[] }

/** In all APIs a tool call must have a result in the next message, and a result a call. Finds the first one that has not. */
export function findMismatch(messages: readonly Message[]): Mismatch | undefined {
  for (let at = 0; at <= messages.length; at += 1) {
    const asked = new Set(toolUsesOf(messages[at - 1]).map((block) => block.id))
    for (const block of messages[at]?.content ?? []) {
      if (block.type === 'tool_result' && !asked.delete(block.toolUseId)) {
        return { kind: 'unasked', at, id: block.toolUseId }
      }
    }
    if (asked.size > 0) return { kind: 'unanswered', at: at - 1, ids: [...asked] }
  }
  return undefined
}

/** Joins neighbours of one role, for APIs in which each tool call or each result is a separate message. */
export function joinMessages(messages: readonly Message[]): readonly Message[] {
  const joined: Message[] = []
  for (const message of messages) {
    const last = joined.at(-1)
    if (last?.role !== message.role) joined.push(message)
    else joined[joined.length - 1] = { ...last, content: [...last.content, ...message.content] }
  }
  return joined
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The texts of a list of contents, joined; a text is itself. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content
    .map((part) => (isRecord(part) && typeof part.text === 'string' ? part.text : ''))
    .join('')
}
