/** Errors as Amazon's services write them: in a body with a header, and in the middle of an event stream. Pure. */
import { asObject, asString, defined, type JsonObject, parseJson } from '@turnlog/conventions/plain'
import type { AnswerEvent } from './answer-events.ts'
import type { ReadHeader } from './map-exchange.ts'
import type { ApiError } from './model-api.ts'

/** Reads an error out of a JSON body; `undefined` if the body is no error. */
export function awsErrorOf(body: JsonObject, header: ReadHeader): ApiError | undefined {
  const type = header('x-amzn-errortype') ?? asString(body.__type)
  const message = messageIn(body)
  if (type === undefined && message === undefined) return undefined
  return defined({ type: type === undefined ? undefined : nameIn(type), message })
}

/** The error that an event of Amazon's event stream is. */
export function exceptionOf({ name, data, isError }: AnswerEvent): ApiError | undefined {
  if (isError !== true) return undefined
  const message = messageIn(asObject(parseJson(data)) ?? {})
  return defined({ type: name === '' ? undefined : name, message })
}

function messageIn({ message, Message }: JsonObject): string | undefined {
  return asString(message) ?? asString(Message)
}

/** `namespace#Name:link` → `Name`. */
function nameIn(type: string): string {
  return type.replace(/:.*$/s, '').replace(/^.*#/s, '')
}
