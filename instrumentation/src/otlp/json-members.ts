/**
 * The members of objects in a JSON text whose values are long strings, and where they stand: pure.
 *
 * One pass, nothing is parsed or copied. Of what is no JSON it gives undefined, or members that are none.
 */

export interface StringMember {
  /** As it is written, without its quotes. */
  readonly name: string
  /** Of the name's first quote, of the value's first quote, and after the value's last one. */
  readonly start: number
  readonly valueStart: number
  readonly end: number
}

const quote = 0x22
const backslash = 0x5c

/** Those whose value is written in at least `lengthMin` characters, in their order. */
export function stringMembers(text: string, lengthMin: number): StringMember[] | undefined {
  const members: StringMember[] = []
  /** Of each open bracket, whether it is an object's. */
  const open: boolean[] = []
  let isName = false
  let name: { readonly start: number; readonly end: number } | undefined
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case quote: {
        const end = endOfString(text, at)
        if (end === -1) return undefined
        if (isName) name = { start: at, end }
        else if (name !== undefined && end - at >= lengthMin) {
          members.push({
            name: text.slice(name.start + 1, name.end - 1),
            start: name.start,
            valueStart: at,
            end,
          })
        }
        isName = false
        at = end - 1
        break
      }
      case 0x7b:
      case 0x5b:
        open.push(text.charCodeAt(at) === 0x7b)
        isName = open.at(-1) === true
        name = undefined
        break
      case 0x7d:
      case 0x5d:
        if (open.pop() !== (text.charCodeAt(at) === 0x7d)) return undefined
        name = undefined
        isName = false
        break
      case 0x2c:
        isName = open.at(-1) === true
        name = undefined
        break
    }
  }
  return open.length === 0 ? members : undefined
}

/** After its last quote; -1 where there is none. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let backslashes = 0
    while (text.charCodeAt(at - 1 - backslashes) === backslash) backslashes += 1
    if (backslashes % 2 === 0) return at + 1
  }
  return -1
}
