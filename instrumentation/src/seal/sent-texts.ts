/**
 * The texts that an app sent to its user, in its response or in the messages of a socket: pure, and never throws.
 *
 * Apps stream an answer in pieces, each in a frame of JSON, such as `data: {"type":"delta","text":"Hel"}`. The strings at one
 * place of the frames are one text. What is no JSON is a text as it stands.
 */
import { isObject, parseJson } from '@turnlog/conventions/plain'

/** Deeper structures hold no answers. */
const depthMax = 6
/** What stands before the JSON of a frame: `data:` of server-sent events, or a number or a letter and a colon. */
const beforeJson = /^(?:data|[0-9a-z]{1,3}):\s*(?=["{[])/

export function sentTexts(pieces: readonly Uint8Array[]): string[] {
  const whole = Buffer.concat(pieces).toString('utf8')
  const byPlace = new Map<string, string>()
  const add = (place: string, text: string): void =>
    void byPlace.set(place, (byPlace.get(place) ?? '') + text)
  const collect = (value: unknown, place: string, depth: number): void => {
    if (typeof value === 'string') add(place, value)
    else if (depth >= depthMax) return
    else if (Array.isArray(value)) for (const each of value) collect(each, place, depth + 1)
    else if (isObject(value)) {
      for (const [name, member] of Object.entries(value)) {
        collect(member, `${place}.${name}`, depth + 1)
      }
    }
  }
  const frames = parseJson(whole) === undefined ? framesOf(pieces, whole) : [whole]
  let isJson = false
  for (const frame of frames) {
    const prefix = beforeJson.exec(frame)?.[0] ?? ''
    const value = parseJson(frame.slice(prefix.length))
    if (value === undefined) continue
    isJson = true
    collect(value, prefix.trim(), 0)
  }
  return [...(isJson ? [] : [whole]), ...byPlace.values()]
}

/** Each message of a socket is a frame, and so is each line of a response. */
function framesOf(pieces: readonly Uint8Array[], whole: string): string[] {
  const messages = pieces.map((piece) => Buffer.from(piece).toString('utf8'))
  const areMessages = messages.length > 1 && messages.every((each) => parseJson(each) !== undefined)
  return areMessages ? messages : whole.split(/\r?\n/)
}

/** Whether one of the texts holds `text`, blanks aside: apps add and remove them. */
export function isSent(text: string, sent: readonly string[]): boolean {
  const wanted = withoutBlanks(text)
  return wanted !== '' && sent.some((each) => withoutBlanks(each).includes(wanted))
}

/** The beginning of `text` that was sent; empty if none was. */
export function sentBeginning(text: string, sent: readonly string[]): string {
  let [known, open] = [0, text.length]
  while (known < open) {
    const middle = Math.ceil((known + open) / 2)
    if (isSent(text.slice(0, middle), sent)) known = middle
    else open = middle - 1
  }
  return text.slice(0, known)
}

function withoutBlanks(text: string): string {
  return text.replace(/\s+/g, '')
}
