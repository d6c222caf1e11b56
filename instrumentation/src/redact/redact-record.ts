/** Redacts everything in a span or log that an app may have written, by the same rules: names, messages, keys and values. Pure. */
import type { JournaledLog, JournaledSpan } from '../journal/span-head.ts'
import type { SealedAttributes } from '../otlp/otlp-json.ts'
import { redactBytes, redactText } from './redact.ts'

type Attributes = Readonly<Record<string, unknown>>

/** Values nested deeper than this become their JSON text, redacted, because a receiver reads no deeper. */
const depthMax = 32

/** Redacts name, status, events and links; the caller redacts the attributes. */
export function redactSpan(span: JournaledSpan): JournaledSpan {
  const { name, status, events, links } = span
  return {
    ...span,
    name: redact(name),
    ...(status?.message === undefined
      ? {}
      : { status: { ...status, message: redact(status.message) } }),
    ...(events === undefined
      ? {}
      : {
          events: events.map((event) => ({
            ...event,
            name: redact(event.name),
            attributes: redactAttributes(event.attributes ?? {}),
          })),
        }),
    ...(links === undefined
      ? {}
      : {
          links: links.map((link) => ({
            ...link,
            attributes: redactAttributes(link.attributes ?? {}),
          })),
        }),
  }
}

/** Redacts the body, severity text and event name; the caller redacts the attributes. */
export function redactLog(log: JournaledLog): JournaledLog {
  const { severityText, eventName } = log
  return {
    ...log,
    body: redactValue(log.body, 0),
    severityText: severityText === undefined ? undefined : redact(severityText),
    eventName: eventName === undefined ? undefined : redact(eventName),
  }
}

export function redactAttributes(attributes: Attributes): SealedAttributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [redact(name), redactValue(value, 0)]),
  )
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redact(value)
  if (value instanceof Uint8Array) return redactBytes(value).bytes
  if (typeof value !== 'object' || value === null) return value
  if (depth >= depthMax) return redact(JSON.stringify(value, bigintAsText))
  if (Array.isArray(value)) return value.map((member) => redactValue(member, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [redact(key), redactValue(member, depth + 1)]),
  )
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}

function redact(text: string): string {
  return redactText(text).text
}
