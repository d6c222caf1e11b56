/** Parses the parts of a Messages API request that the script reads. */

interface ToolUseBlock {
  readonly type: 'tool_use'
  readonly id: string
  readonly name: string
  readonly input: Readonly<Record<string, unknown>>
}
type Block =
  | { readonly type: 'text'; readonly text: string }
  | ToolUseBlock
  | { type: 'tool_result'; toolUseId: string; text: string; isError: boolean }
  /** Images, documents, thinking: valid, but ignored by the script. */
  | { readonly type: 'other' }

export interface Message {
  readonly role: 'user' | 'assistant'
  readonly content: readonly Block[]
}

export interface MessagesRequest {
  readonly model: string
  readonly messages: readonly Message[]
  readonly toolNames: readonly string[]
  readonly stream: boolean
}

type ParsedRequest =
  | { readonly status: 'ok'; readonly request: MessagesRequest }
  | { readonly status: 'invalid'; readonly message: string }

/** Checks a body against the rules of the API. The message names the first broken rule, in the API's words. */
export function parseMessagesRequest(body: unknown): ParsedRequest {
  if (!isRecord(body)) return invalid('The request body must be a JSON object.')
  if (typeof body.model !== 'string' || body.model === '') return invalid('model: Field required')
  if (!Number.isInteger(body.max_tokens)) return invalid('max_tokens: Field required')
  if (Number(body.max_tokens) < 1) return invalid('max_tokens: must be greater than or equal to 1')
  if (!Array.isArray(body.messages)) return invalid('messages: Field required')
  if (body.messages.length === 0) return invalid('messages: at least one message is required')
  if (body.stream !== undefined && typeof body.stream !== 'boolean') {
    return invalid('stream: Input should be a valid boolean')
  }

  const toolNames = parseToolNames(body.tools)
  if (typeof toolNames === 'string') return invalid(toolNames)

  const messages: Message[] = []
  for (const [at, value] of body.messages.entries()) {
    const message = parseMessage(value, `messages.${at}`)
    if (typeof message === 'string') return invalid(message)
    messages.push(message)
  }
  if (messages[0]?.role !== 'user') return invalid('messages: first message must use the user role')
  const unanswered = unansweredToolUse(messages)
  if (unanswered !== undefined) return invalid(unanswered)

  return {
    status: 'ok',
    request: { model: body.model, messages, toolNames, stream: body.stream === true },
  }
}

function parseToolNames(tools: unknown): readonly string[] | string {
  if (tools === undefined) return []
  if (!Array.isArray(tools)) return 'tools: Input should be a valid list'
  const names: string[] = []
  for (const [at, tool] of tools.entries()) {
    if (!isRecord(tool) || typeof tool.name !== 'string') return `tools.${at}.name: Field required`
    names.push(tool.name)
  }
  return names
}

function parseMessage(value: unknown, where: string): Message | string {
  if (!isRecord(value)) return `${where}: Input should be a valid dictionary`
  const { role, content } = value
  if (role !== 'user' && role !== 'assistant') {
    return `${where}.role: Input should be 'user' or 'assistant'`
  }
  if (typeof content === 'string') {
    if (content === '') return `${where}: user messages must have non-empty content`
    return { role, content: [{ type: 'text', text: content }] }
  }
  if (!Array.isArray(content)) return `${where}.content: Field required`
  const blocks: Block[] = []
  for (const [at, item] of content.entries()) {
    const block = parseBlock(item, `${where}.content.${at}`)
    if (typeof block === 'string') return block
    blocks.push(block)
  }
  return { role, content: blocks }
}

function parseBlock(value: unknown, where: string): Block | string {
  if (!isRecord(value) || typeof value.type !== 'string') return `${where}.type: Field required`
  switch (value.type) {
    case 'text':
      if (typeof value.text !== 'string') return `${where}.text.text: Field required`
      if (value.text === '') return `${where}: text content blocks must be non-empty`
      return { type: 'text', text: value.text }
    case 'tool_use': {
      const { id, name, input } = value
      if (typeof id !== 'string') return `${where}.tool_use.id: Field required`
      if (typeof name !== 'string') return `${where}.tool_use.name: Field required`
      if (!isRecord(input)) return `${where}.tool_use.input: Input should be a valid dictionary`
      return { type: 'tool_use', id, name, input }
    }
    case 'tool_result': {
      const { tool_use_id: toolUseId, content, is_error: isError } = value
      if (typeof toolUseId !== 'string') return `${where}.tool_result.tool_use_id: Field required`
      return { type: 'tool_result', toolUseId, text: textOf(content), isError: isError === true }
    }
    default:
      return { type: 'other' }
  }
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content
    .map((block) => (isRecord(block) && typeof block.text === 'string' ? block.text : ''))
    .join('')
}

/** Every tool_use must have a result in the next message, and every result a tool_use. */
function unansweredToolUse(messages: readonly Message[]): string | undefined {
  for (const [at, message] of messages.entries()) {
    const asked = new Set(toolUsesOf(messages[at - 1]).map((block) => block.id))
    for (const block of message.content) {
      if (block.type === 'tool_result' && !asked.delete(block.toolUseId)) {
        return `messages.${at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${block.toolUseId}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`
      }
    }
    if (asked.size > 0) {
      return `messages.${at - 1}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${[...asked].join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`
    }
  }
  return toolUsesOf(messages.at(-1)).length > 0
    ? `messages.${messages.length - 1}: the last message asks for tools that nothing answers.`
    : undefined
}

export function toolUsesOf(message: Message | undefined): readonly ToolUseBlock[] {
  if (message?.role !== 'assistant') return []
  return message.content.filter((block) => block.type === 'tool_use')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(message: string): ParsedRequest {
  return { status: 'invalid', message }
}
