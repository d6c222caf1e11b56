/** GenAI messages: each with its role, its texts, its tool calls and their results. */
import { asString, isObject, type JsonObject, parseJson } from '@turnlog/conventions/plain'
import { awaitedNote, contentBlock } from './content-block.ts'
import { formatBytes } from './format.ts'
import { type Html, html } from './html.ts'

interface MessagesOptions {
  readonly text: string
  readonly wholePath: string
  /** The spans of the tool calls on this page, by call id: their arguments are shown there, and only a link here. */
  readonly toolSpans?: ReadonlyMap<string, string>
  /** Set where the role is clear from the context. */
  readonly hidesRole?: boolean
}

/** The text is JSON of one message or of several; other text is shown as it is. */
export function messagesBlock(options: MessagesOptions): Html {
  const parsed = parseJson(options.text)
  if (parsed === undefined) return contentBlock(options)
  const messages = Array.isArray(parsed) ? parsed : [parsed]
  return html`<div class="messages">${messages.map((message) => messageBlock(message, options))}</div>`
}

/** The text, when the messages contain one text and nothing else. */
export function onlyText(text: string): string | undefined {
  const parsed = parseJson(text)
  const parts = Array.isArray(parsed) && parsed.length === 1 ? partsOf(parsed[0]) : []
  const [part] = parts
  if (parts.length !== 1 || !isObject(part) || part.type !== 'text') return undefined
  return asString(part.content ?? part.text)
}

function messageBlock(message: unknown, options: MessagesOptions): Html {
  const role = isObject(message) ? asString(message.role) : undefined
  return html`<div class="said${role === 'assistant' && ' by-assistant'}">
${role !== undefined && options.hidesRole !== true && html`<span class="role">${role}</span>`}
<div class="parts">${partsOf(message).map((part) => partBlock(part, options))}</div></div>`
}

function partsOf(message: unknown): readonly unknown[] {
  if (!isObject(message) || message.role === undefined) return [message]
  const parts = message.parts ?? message.content ?? message
  return Array.isArray(parts) ? parts : [parts]
}

function partBlock(part: unknown, { toolSpans }: MessagesOptions): Html {
  if (typeof part === 'string') return prose(part)
  if (!isObject(part)) return raw(part)
  const member = awaitedMember(part)
  if (member !== undefined) {
    return awaitedNote(`${member === 'content' ? 'This' : `The ${member}`}${sizeOf(part, member)}`)
  }
  const text = part.content ?? part.text
  switch (part.type) {
    case 'text':
      return typeof text === 'string' ? prose(text) : raw(part)
    case 'reasoning':
    case 'thinking':
      return typeof text === 'string' ? html`<p class="prose reasoning">${text}</p>` : raw(part)
    case 'tool_call': {
      const spanId = toolSpans?.get(asString(part.id) ?? '')
      const name = html`<b class="tool-name">${asString(part.name) ?? 'a tool'}</b>`
      return spanId !== undefined
        ? html`<p class="part-kind">asks for <a href="#${spanId}">${name}</a></p>`
        : html`<div class="part"><span class="part-kind">asks for ${name}</span>
${raw(part.arguments)}</div>`
    }
    case 'tool_call_response':
      return html`<div class="part"><span class="part-kind">result</span>${raw(
        part.response ?? part.result ?? part.content,
      )}</div>`
    default:
      return raw(part)
  }
}

/** Content that has not arrived is still a reference: see the SQL function `turnlog_expand`. */
function awaitedMember(part: JsonObject): string | undefined {
  const members = ['content', 'text', 'arguments', 'response', 'result']
  return members.find((name) => /^sha256:[0-9a-f]{64}$/.test(String(part[`${name}.ref`])))
}

function sizeOf(part: JsonObject, member: string): string {
  const size = part[`${member}.size`]
  return typeof size === 'number' ? ` (${formatBytes(size)})` : ''
}

function prose(text: string): Html {
  return html`<p class="prose">${text}</p>`
}

function raw(value: unknown): Html {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? null, null, 2)
  return html`<pre class="code">${text}</pre>`
}
