/** GenAI messages as they are read: who said what, tools asked for and answered. */

import { contentBlock } from './content-block.ts'
import { type Html, html } from './html.ts'

/** One message, or several, as JSON text; what is neither is shown as it is. */
export function messagesBlock(options: {
  readonly text: string
  readonly wholePath: string
}): Html {
  const parsed = parse(options.text)
  if (parsed === undefined) return contentBlock(options)
  const messages = Array.isArray(parsed) ? parsed : [parsed]
  return html`<div class="messages">${messages.map(messageBlock)}</div>`
}

function messageBlock(message: unknown): Html {
  if (!isRecord(message)) return partBlock(message)
  const role = typeof message.role === 'string' ? message.role : undefined
  const parts = message.parts ?? message.content ?? (role === undefined ? [message] : [])
  const list = Array.isArray(parts) ? parts : [parts]
  return html`<div class="said${role === 'assistant' && ' by-assistant'}">
${role !== undefined && html`<span class="role">${role}</span>`}
<div class="parts">${list.map(partBlock)}</div></div>`
}

function partBlock(part: unknown): Html {
  if (typeof part === 'string') return prose(part)
  if (!isRecord(part)) return raw(part)
  const text = part.content ?? part.text
  switch (part.type) {
    case 'text':
      return typeof text === 'string' ? prose(text) : raw(part)
    case 'reasoning':
    case 'thinking':
      return typeof text === 'string' ? html`<p class="prose reasoning">${text}</p>` : raw(part)
    case 'tool_call':
      return html`<div class="part"><span class="part-kind">asks for <b>${label(part.name)}</b></span>
${raw(part.arguments)}</div>`
    case 'tool_call_response':
      return html`<div class="part"><span class="part-kind">result</span>${raw(
        part.response ?? part.result ?? part.content,
      )}</div>`
    default:
      return raw(part)
  }
}

function prose(text: string): Html {
  return html`<p class="prose">${text}</p>`
}

function raw(value: unknown): Html {
  return html`<pre class="code">${typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '')}</pre>`
}

function label(value: unknown): string {
  return typeof value === 'string' ? value : 'a tool'
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
