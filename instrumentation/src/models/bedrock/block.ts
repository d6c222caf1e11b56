/** One block of a streamed Converse answer, put together from its events into the block that a JSON answer has. */
import {
  asArray,
  asObject,
  asString,
  isObject,
  type JsonObject,
  parseJson,
} from '@turnlog/conventions/plain'

export class ConverseBlock {
  #fields: Record<string, unknown> = {}
  #isOver: boolean = false
  /** The tool's arguments, as the model wrote them. */
  input = ''

  get toolUse(): JsonObject | undefined {
    return asObject(this.#fields.toolUse)
  }

  start(start: JsonObject): void {
    this.#fields = { ...this.#fields, ...start }
  }

  stop(): void {
    this.#isOver = true
  }

  /** A delta is an object with one member. */
  add(delta: JsonObject): void {
    for (const [kind, value] of Object.entries(delta)) {
      if (!this.#takes(kind, value)) this.#push(this.#fields, 'deltas', { [kind]: value })
    }
  }

  /** The input of a tool as a value; as text where it was cut and is not JSON. */
  value(): JsonObject {
    const { toolUse } = this
    if (toolUse === undefined) return this.#fields
    const none = this.#isOver ? {} : undefined
    const input = this.input === '' ? none : (parseJson(this.input) ?? this.input)
    return { ...this.#fields, toolUse: input === undefined ? toolUse : { ...toolUse, input } }
  }

  #takes(kind: string, value: unknown): boolean {
    const fields = this.#fields
    switch (kind) {
      case 'text':
        fields.text = append(fields.text, value)
        return true
      case 'toolUse':
        fields.toolUse ??= {}
        this.input += asString(asObject(value)?.input) ?? ''
        return true
      case 'reasoningContent':
        return isObject(value) && this.#addReasoning(value)
      case 'citation':
        this.#push(fields, 'citations', value)
        return true
      case 'toolResult': {
        const content = asArray(value)
        if (content === undefined) return false
        const result = { ...asObject(fields.toolResult) }
        fields.toolResult = { ...result, content: [...(asArray(result.content) ?? []), ...content] }
        return true
      }
      case 'image': {
        const image = asObject(fields.image) ?? {}
        if (!isObject(value) || 'source' in image) return false
        fields.image = { ...image, ...value }
        return true
      }
      default:
        return false
    }
  }

  #addReasoning(delta: JsonObject): boolean {
    const reasoning = asObject(this.#fields.reasoningContent) ?? {}
    const { text, signature, redactedContent, ...others } = delta
    if (Object.keys(others).length > 0) return false
    if (redactedContent !== undefined) {
      const whole = appendBase64(reasoning.redactedContent, redactedContent)
      this.#fields.reasoningContent = { ...reasoning, redactedContent: whole }
    }
    if (text === undefined && signature === undefined) return true
    const said: Record<string, unknown> = { ...asObject(reasoning.reasoningText) }
    said.text = append(said.text, text)
    if (signature !== undefined) said.signature = append(said.signature, signature)
    const earlier = asObject(this.#fields.reasoningContent)
    this.#fields.reasoningContent = { ...earlier, reasoningText: said }
    return true
  }

  #push(to: Record<string, unknown>, name: string, value: unknown): void {
    to[name] = [...(asArray(to[name]) ?? []), value]
  }
}

function append(text: unknown, more: unknown): string {
  return `${asString(text) ?? ''}${asString(more) ?? ''}`
}

/** Each piece may end with padding. */
function appendBase64(text: unknown, more: unknown): string {
  const pieces = [asString(text) ?? '', asString(more) ?? '']
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece, 'base64'))).toString('base64')
}
