/**
 * What a frame of a chat protocol carries: of socket.io, SignalR, GraphQL, JSON-RPC and tRPC. Pure, and never throws. A frame without a
 * message of its own carries nothing; its model call then shows what the user said.
 */
import { asArray, asObject, asString, isObject, parseJson } from '@turnlog/conventions/plain'

/** Ends a packet of socket.io's polling, and a message of SignalR. */
const separator = '\u001e'
/**
 * https://socket.io/docs/v4/socket-io-protocol: `4`, a message of engine.io; `2`, an event, or `5` with a number of attachments; then a
 * namespace and the number of an acknowledgement; then the event's name and its values.
 */
const socketIoEvent = /^4?(?:2|5\d+-)(?:\/[^,]*,)?\d*(?=\[)/
/** Packets of socket.io and engine.io that carry no event. */
const otherPacket = /^(?:[23](?:probe)?|0\{.*|4[0134](?:\/[^,]*,)?(?:\d*[{["].*)?)$/s

/** The values in the frames of `text`; `undefined`: it is no frame. */
export function frameValues(text: string): readonly unknown[] | undefined {
  const packets = text.split(separator).filter((packet) => packet !== '')
  if (packets.length > 0 && packets.every(isPacket)) return packets.flatMap(socketIoValues)
  if (!text.includes(separator)) return undefined
  const messages = packets.map(parseJson)
  return messages.every(isObject) ? messages.map(carried) : undefined
}

function isPacket(packet: string): boolean {
  return socketIoEvent.test(packet) || otherPacket.test(packet)
}

function socketIoValues(packet: string): unknown[] {
  const [head] = socketIoEvent.exec(packet) ?? []
  if (head === undefined) return []
  const [, ...values] = asArray(parseJson(packet.slice(head.length))) ?? []
  return values
}

/** What an envelope carries; the value itself, if it is none. */
export function carried(value: unknown): unknown {
  const object = asObject(value)
  if (object === undefined) return value
  // https://www.jsonrpc.org/specification, and tRPC over WebSockets.
  if (object.jsonrpc !== undefined || (isObject(object.params) && 'path' in object.params)) {
    const { params } = object
    return onlyOf(asArray(params)) ?? asObject(params)?.input ?? params
  }
  // SignalR: an invocation.
  if (typeof object.target === 'string' && object.type === 1)
    return onlyOf(asArray(object.arguments))
  if (isGraphQl(object.query)) return object.variables
  // https://github.com/enisdenjo/graphql-ws
  const payload = asObject(object.payload)
  if (isGraphQl(payload?.query)) return payload?.variables
  // tRPC over HTTP: one call, or a batch of one.
  const calls = Object.entries(object)
  const [only] = calls
  if (calls.length === 1 && only?.[0] === '0') return asObject(only[1])?.json ?? only[1]
  return 'json' in object && isObject(object.json) ? object.json : value
}

function isGraphQl(query: unknown): boolean {
  return /^\s*(?:(?:query|mutation|subscription)\b|\{|#)/.test(asString(query) ?? '')
}

/** Of several values it is not known which one the user wrote. */
function onlyOf(values: readonly unknown[] | undefined): unknown {
  return values?.length === 1 ? values[0] : undefined
}
