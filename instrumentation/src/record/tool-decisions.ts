/**
 * Finds what a person has decided about the tool calls that an answer asked for, in the forms of the common frameworks and
 * of hand-written apps. Pure. Only clear words count: a form that is not known, or that says both, is no decision.
 *
 * | form                                  | accept                                | reject                 |
 * | ------------------------------------- | ------------------------------------- | ---------------------- |
 * | AI SDK: `tool-approval-response`, or  | `approved: true`                      | `approved: false`      |
 * |   a tool part's `approval`            |                                       |                        |
 * | LangChain: `decisions`, and the older | `approve`, `edit`; `accept`           | `reject`               |
 * |   list of human responses             |                                       |                        |
 * | an object of the app, with the call's | a member such as `approve: true`, or  | `approve: false`, or   |
 * |   id, or for all calls without any id | `decision: 'approved'`                | `decision: 'denied'`   |
 * | the result that the model is sent     |                                       | "User rejected …"      |
 */
import { asArray, asObject, asString, isObject, type JsonObject } from '@turnlog/conventions/plain'

/** A request with more objects than this, or deeper ones, is searched as far as this. */
const objectsMax = 10_000
const depthMax = 12

interface DecidedCall {
  readonly id?: string | undefined
}

export interface ToolDecision<Call> {
  readonly call: Call
  readonly type: 'accept' | 'reject'
  readonly reason?: string | undefined
}

type Word = Omit<ToolDecision<unknown>, 'call'>

const yesKeys = ['approve', 'approved', 'accept', 'accepted', 'allow', 'allowed', 'confirmed']
const noKeys = ['reject', 'rejected', 'deny', 'denied']
const wordKeys = ['decision', 'action', 'type', 'status', 'choice', 'verdict', 'resume']
/** A person may also answer in the chat: only a whole text that is such a word counts. */
const textKeys = ['message', 'text', 'answer']
const reasonKeys = ['reason', 'message', 'feedback', 'comment']
const yesWords = /^(?:approved?|accept(?:ed)?|allow(?:ed)?|edit|yes)$/i
const noWords = /^(?:reject(?:ed)?|den(?:y|ied)|declined?|no)$/i
/** Members in which a request may wrap what it says without an id. */
const wrapperKeys = ['data', 'payload', 'body', 'command', 'resume', 'approval', 'response']

/** The decisions about `calls` in the JSON of a request; for each call the last one. */
export function decisionsIn<Call extends DecidedCall>(
  request: unknown,
  calls: readonly Call[],
): ToolDecision<Call>[] {
  const objects = objectsIn(request)
  const byId = new Map(calls.flatMap((call) => (call.id === undefined ? [] : [[call.id, call]])))
  // The AI SDK gives an approval an id of its own; the request for it names the call.
  for (const object of objects) {
    const call = byId.get(asString(object.toolCallId) ?? '')
    const approvalId = asString(object.approvalId)
    if (call !== undefined && approvalId !== undefined) byId.set(approvalId, call)
  }
  const found = new Map<Call, ToolDecision<Call>>()
  const add = (call: Call | undefined, word: Word | undefined): void => {
    if (call !== undefined && word !== undefined) found.set(call, { call, ...word })
  }
  for (const object of objects) {
    const named = Object.values(object).flatMap((value) => byId.get(asString(value) ?? '') ?? [])
    const [call, ...others] = new Set(named)
    if (others.length === 0) add(call, wordOf(object) ?? wordOf(asObject(object.approval)))
    for (const each of listedIn(object, byId)) add(each, wordOf(object))
    const inOrder = wordsInOrder(object, calls.length)
    for (const [index, word] of inOrder.entries()) add(calls[index], word)
  }
  if (found.size === 0 && (calls.length === 1 || !namesAny(objects, byId))) {
    const word = wordWithoutId(request, calls.length)
    for (const call of calls) add(call, word)
  }
  return [...found.values()]
}

/** The decision in a path such as `/tool-calls/ID/approve`. */
export function decisionInPath<Call extends DecidedCall>(
  path: string,
  calls: readonly Call[],
): ToolDecision<Call>[] {
  const segments = path.split('/')
  const call = calls.find(({ id }) => id !== undefined && segments.includes(encodeURIComponent(id)))
  const word = wordIn(segments.at(-1))
  return call === undefined || word === undefined ? [] : [{ call, ...word }]
}

/** What frameworks and apps send to the model in place of a result, when a person has refused the call. */
const refusals =
  /^(?:error: )?(?:the )?user (?:has )?(?:rejected|denied|declined|does not want|doesn['’]t want)\b/i

/** Whether the result of a call is the known text of a person's refusal; `isError`: it was marked as an error. */
export function isRefusal({ content, isError }: { content: string; isError: boolean }): boolean {
  return refusals.test(content) && (isError || /\btool\b/i.test(content.slice(0, 200)))
}

/** LangChain: one decision for each call, in the order of the calls. */
function wordsInOrder(object: JsonObject, count: number): readonly (Word | undefined)[] {
  for (const list of [object.decisions, object.resume]) {
    const items = asArray(list)
    if (items?.length === count && items.every(isObject)) return items.map(wordOf)
  }
  return []
}

/** The calls whose ids are in a list of the object. */
function listedIn<Call>(object: JsonObject, byId: ReadonlyMap<string, Call>): Call[] {
  const texts = Object.values(object).flatMap((value) => asArray(value) ?? [])
  return texts.flatMap((text) => byId.get(asString(text) ?? '') ?? [])
}

/** If a request names one of several calls, it is not about the others. */
function namesAny(objects: readonly JsonObject[], byId: ReadonlyMap<string, unknown>): boolean {
  return objects.some((object) =>
    Object.entries(object).some(([key, value]) => byId.has(key) || byId.has(asString(value) ?? '')),
  )
}

/**
 * What the request says without an id about the only call, or about all. A list with one item says nothing about
 * several calls.
 */
function wordWithoutId(request: unknown, callCount: number): Word | undefined {
  let value: unknown = request
  if (typeof value === 'string') return wordIn(value.trim())
  for (let depth = 0; depth < 4; depth += 1) {
    const list = asArray(value)
    if (list !== undefined) value = list.length === 1 && callCount === 1 ? list[0] : undefined
    const object = asObject(value)
    if (object === undefined) return undefined
    const word = wordOf(object) ?? wordOfText(object)
    if (word !== undefined) return word
    value = wrapperKeys.map((key) => object[key]).find(isObject)
  }
  return undefined
}

function wordOf(object: JsonObject | undefined): Word | undefined {
  if (object === undefined) return undefined
  const found = new Set<Word['type']>()
  for (const key of yesKeys) {
    const said = booleanOf(object[key])
    if (said !== undefined) found.add(said ? 'accept' : 'reject')
  }
  for (const key of noKeys) if (booleanOf(object[key]) === true) found.add('reject')
  if (typeof object.resume === 'boolean') found.add(object.resume ? 'accept' : 'reject')
  for (const key of wordKeys) {
    const word = wordIn(asString(object[key]))
    if (word !== undefined) found.add(word.type)
  }
  const [type, ...others] = found
  if (type === undefined || others.length > 0) return undefined
  const reason = reasonKeys.map((key) => asString(object[key])).find((text) => text)
  return { type, reason }
}

/** The fields of a form are texts. */
function booleanOf(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  return value === 'true' ? true : value === 'false' ? false : undefined
}

function wordOfText(object: JsonObject): Word | undefined {
  return textKeys.map((key) => wordIn(asString(object[key]))).find((word) => word !== undefined)
}

function wordIn(text: string | undefined): Word | undefined {
  if (text === undefined) return undefined
  if (yesWords.test(text)) return { type: 'accept' }
  return noWords.test(text) ? { type: 'reject' } : undefined
}

function objectsIn(value: unknown): JsonObject[] {
  const found: JsonObject[] = []
  const collect = (inner: unknown, depth: number): void => {
    if (depth > depthMax || found.length >= objectsMax) return
    if (Array.isArray(inner)) for (const item of inner) collect(item, depth + 1)
    const object = asObject(inner)
    if (object === undefined) return
    found.push(object)
    for (const member of Object.values(object)) collect(member, depth + 1)
  }
  collect(value, 0)
  return found
}
