/**
 * Puts the output items of a streamed response together, as far as its events came: pure.
 *
 * An item is added, grows by deltas, and is sent again as a whole when it is done; all of them come once more with the
 * last event. A later, whole item replaces what was put together, except members that it has empty. Unknown deltas stay
 * in their item until it is done. No event makes it throw, whatever its members are.
 */
import { elementsOf, memberOf } from '@turnlog/conventions/otlp/json-scan'
import {
  asArray,
  asNumber,
  asObject,
  asString,
  isObject,
  type JsonObject,
} from '@turnlog/conventions/plain'
import {
  append,
  elementIn,
  type Fields,
  listIn,
  merged,
  objectIn,
  position,
} from '../streamed-fields.ts'

export interface OutputItem {
  readonly fields: JsonObject
  /** As it was written, once it is whole. */
  readonly json?: string | undefined
}

interface OpenItem {
  fields: Fields
  json: string | undefined
  readonly outputIndex: number | undefined
  isDone: boolean
}

/** Where the text of a delta belongs. */
interface Target {
  /** The item's type, if the event that added it did not come. */
  readonly item: string
  /** A list of the item, and the member of the event that is the index in it. */
  readonly list?: readonly [name: string, index: string]
  /** The type of the list's elements. */
  readonly element?: string
  /** An object of the item that has the text. */
  readonly object?: string
  readonly member: string
}

const code = { item: 'code_interpreter_call', member: 'code' }
const mcpArguments = { item: 'mcp_call', member: 'arguments' }
const content = ['content', 'content_index'] as const

/** By the type of the events, without `.delta` and `.done`. */
const targets: ReadonlyMap<string, Target> = new Map<string, Target>([
  ['output_text', { item: 'message', list: content, element: 'output_text', member: 'text' }],
  ['refusal', { item: 'message', list: content, element: 'refusal', member: 'refusal' }],
  [
    'reasoning_text',
    { item: 'reasoning', list: content, element: 'reasoning_text', member: 'text' },
  ],
  [
    'reasoning_summary_text',
    {
      item: 'reasoning',
      list: ['summary', 'summary_index'],
      element: 'summary_text',
      member: 'text',
    },
  ],
  ['function_call_arguments', { item: 'function_call', member: 'arguments' }],
  ['custom_tool_call_input', { item: 'custom_tool_call', member: 'input' }],
  ['mcp_call_arguments', mcpArguments],
  ['mcp_call.arguments', mcpArguments],
  ['code_interpreter_call_code', code],
  ['code_interpreter_call.code', code],
  [
    'apply_patch_call_operation_diff',
    { item: 'apply_patch_call', object: 'operation', member: 'diff' },
  ],
])

export class StreamedItems {
  #items: OpenItem[] = []

  /** `json`: the event as it was written. */
  take(type: string, event: JsonObject, json: string): void {
    const name = type.replace(/^response\./, '').replace(/_(delta|done)$/, '.$1')
    switch (name) {
      case 'output_item.added':
        this.#add(event)
        break
      case 'output_item.done':
        this.#finish(event, json)
        break
      case 'content_part.added':
      case 'content_part.done':
        this.#setElement(event, content)
        break
      case 'reasoning_summary_part.added':
      case 'reasoning_summary_part.done':
        this.#setElement(event, ['summary', 'summary_index'])
        break
      case 'output_text.annotation.added':
      case 'output_text_annotation.added':
        this.#annotate(event)
        break
      case 'shell_call_command.added':
      case 'shell_call_command.delta':
      case 'shell_call_command.done':
        this.#addCommand(event)
        break
      case 'shell_call_output_content.delta':
        this.#addShellOutput(event)
        break
      case 'image_generation_call.partial_image':
        this.#itemOf(event, 'image_generation_call').fields.partial_image_b64 =
          event.partial_image_b64
        break
      default:
        this.#applyText(name, event)
    }
  }

  /** Takes the items of the last event, unless it has fewer than came before. */
  replace(output: readonly unknown[], json: string): void {
    if (output.length < this.#items.length) return
    const written = elementsOf(json)
    const before = this.#inOrder()
    this.#items = output.map((item, index) => ({
      fields: merged(before[index]?.fields, asObject(item) ?? { value: item }),
      json: written?.[index],
      outputIndex: index,
      isDone: true,
    }))
  }

  items(): OutputItem[] {
    return this.#inOrder().map(({ fields, json }) => ({
      fields: Object.fromEntries(
        // Events that did not come leave holes.
        Object.entries(fields).map(([name, value]) => [
          name,
          asArray(value)?.filter(() => true) ?? value,
        ]),
      ),
      json,
    }))
  }

  #inOrder(): OpenItem[] {
    const place = ({ outputIndex = this.#items.length }: OpenItem) => outputIndex
    return this.#items.toSorted((a, b) => place(a) - place(b))
  }

  #add({ item, output_index }: JsonObject): OpenItem {
    const added = {
      fields: { ...asObject(item) },
      json: undefined,
      outputIndex: asNumber(output_index),
      isDone: false,
    }
    this.#items.push(added)
    return added
  }

  #finish(event: JsonObject, json: string): void {
    const item = asObject(event.item) ?? {}
    const found = this.#find(event)
    // Some servers give the same index to all items.
    const isOther = found?.isDone === true && found.fields.id !== item.id
    const open = found === undefined || isOther ? this.#add({ ...event, item: {} }) : found
    const { partial_image_b64: _, deltas: __, ...before } = open.fields
    open.fields = merged(before, item)
    open.json = memberOf(json, 'item')
    open.isDone = true
  }

  /** The item that the event is about; a new one, if that did not come. */
  #itemOf(event: JsonObject, type: string): OpenItem {
    const item = this.#find(event) ?? this.#add({ output_index: event.output_index })
    if (item.fields.type === undefined) {
      item.fields.type = type
      if (typeof event.item_id === 'string') item.fields.id = event.item_id
    }
    return item
  }

  /** By its index: some servers give an item another id with each event. */
  #find({ output_index, item_id }: JsonObject): OpenItem | undefined {
    const index = asNumber(output_index)
    if (index !== undefined) return this.#items.findLast((each) => each.outputIndex === index)
    const id = asString(item_id)
    const named = id && this.#items.findLast(({ fields }) => fields.id === id)
    return named || this.#items.at(-1)
  }

  #setElement(event: JsonObject, [name, index]: readonly [string, string]): void {
    if (!isObject(event.part)) return
    const isReasoning = name === 'summary' || event.part.type === 'reasoning_text'
    const { fields } = this.#itemOf(event, isReasoning ? 'reasoning' : 'message')
    const list = listIn(fields, name)
    const at = position(event[index], list.length)
    list[at] = merged(asObject(list[at]), event.part)
  }

  #annotate(event: JsonObject): void {
    const { fields } = this.#itemOf(event, 'message')
    const part = elementIn(fields, 'content', event.content_index, 'output_text')
    listIn(part, 'annotations').push(event.annotation)
  }

  #addCommand(event: JsonObject): void {
    const { fields } = this.#itemOf(event, 'shell_call')
    const commands = listIn(objectIn(fields, 'action'), 'commands')
    const at = position(event.command_index, commands.length)
    const before = asString(commands[at]) ?? ''
    commands[at] = asString(event.command) ?? before + (asString(event.delta) ?? '')
  }

  #addShellOutput(event: JsonObject): void {
    const { fields } = this.#itemOf(event, 'shell_call_output')
    const output = elementIn(fields, 'output', event.command_index)
    for (const [name, text] of Object.entries(asObject(event.delta) ?? {}))
      append(output, name, text)
  }

  #applyText(name: string, event: JsonObject): void {
    const [, stem = '', kind = ''] = /^(.*)\.(delta|done)$/.exec(name) ?? []
    const target = targets.get(stem)
    if (target === undefined) {
      if (kind !== 'delta' || this.#find(event) === undefined) return
      listIn(this.#itemOf(event, 'unknown').fields, 'deltas').push(event)
      return
    }
    const { fields } = this.#itemOf(event, target.item)
    const { list, object, element, member } = target
    const owner =
      list !== undefined
        ? elementIn(fields, list[0], event[list[1]], element)
        : object !== undefined
          ? objectIn(fields, object)
          : fields
    if (kind === 'delta') append(owner, member, event.delta)
    else owner[member] = asString(event[member]) ?? owner[member]
  }
}
