/**
 * Server-sent events, incrementally: text in any pieces → whole events (WHATWG HTML §9.2.6).
 *
 * Lines end with LF, CRLF or CR, also when a CRLF is split between two pieces. An event is returned at its blank line;
 * `end` returns the last one without it, for streams that were cut or closed early. Comments, `id` and `retry` are
 * skipped. Each piece is scanned once, however small the pieces are.
 */

import type { AnswerEvent } from './answer-events.ts'

/** The event's `name` is its `event` field, its `data` the `data` fields, joined by LF. */
export function createSseParser() {
  const fields = createFields()
  let line = ''
  let endedWithCr = false
  let isFirst = true

  function takeLine(events: AnswerEvent[]): void {
    const text = line
    line = ''
    if (text === '') fields.dispatch(events)
    else fields.take(text)
  }

  return {
    push(piece: string): AnswerEvent[] {
      const events: AnswerEvent[] = []
      let from = 0
      if (isFirst && piece !== '') {
        if (piece.charCodeAt(0) === 0xfeff) from = 1
        isFirst = false
      }
      // The engine's own search is many times as fast, and few servers send CR.
      const hasCr = piece.includes('\r')
      while (from < piece.length) {
        if (endedWithCr) {
          endedWithCr = false
          if (piece.charCodeAt(from) === 0x0a) {
            from += 1
            continue
          }
        }
        const end = hasCr ? indexOfLineEnd(piece, from) : piece.indexOf('\n', from)
        if (end === -1) {
          line += piece.slice(from)
          break
        }
        line += piece.slice(from, end)
        endedWithCr = piece.charCodeAt(end) === 0x0d
        from = end + 1
        takeLine(events)
      }
      return events
    },
    end(): AnswerEvent[] {
      const events: AnswerEvent[] = []
      if (line !== '') takeLine(events)
      fields.dispatch(events)
      return events
    },
  }
}

/** The fields of the event that is being read. */
function createFields() {
  let name = ''
  let data: string[] = []
  return {
    take(line: string): void {
      const colon = line.indexOf(':')
      const field = colon === -1 ? line : line.slice(0, colon)
      const skip = line.charCodeAt(colon + 1) === 0x20 ? colon + 2 : colon + 1
      const value = colon === -1 ? '' : line.slice(skip)
      if (field === 'data') data.push(value)
      else if (field === 'event') name = value
    },
    dispatch(events: AnswerEvent[]): void {
      if (data.length > 0) events.push({ name, data: data.join('\n') })
      name = ''
      data = []
    },
  }
}

function indexOfLineEnd(text: string, from: number): number {
  for (let index = from; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    if (unit === 0x0a || unit === 0x0d) return index
  }
  return -1
}
