/**
 * The rules by which a request that belongs to no known model API counts as one to a model all the same. They look at the
 * method, the address, the content type and the first bytes of both bodies; nothing is parsed. Pure.
 *
 * A `POST` counts if any of this holds:
 *
 *     request_body   its JSON has `messages` (with roles or a model), `contents` (with parts or roles), `input` or `prompt`
 *                    beside `model`, or `prompt` or `inputs` beside a setting that only models have
 *     event_stream   it is answered by a stream of events; from a host on this machine or in its network, which may be the
 *                    app's own backend, only if the request or the stream begins like a model's; AWS's streams carry much
 *                    else, so they must come from Bedrock or begin like a model's
 *     answer_body    its JSON answer has `choices`, `candidates` or `usage` with what models have in them, `generated_text` or `tokens_predicted`
 *
 * A `GET` counts as `websocket` if it opens a socket of a known model API that is not followed. Never counted: JSON-RPC, and so MCP;
 * GraphQL; and the paths of known APIs that are no turns: embeddings, token counts, moderation, ranks, images, speech, models, files,
 * batches.
 */
import { isRandom } from '../redact/randomness.ts'
import { redactText } from '../redact/redact.ts'
import { outerMembers } from './json-head.ts'

export type UnknownTrafficSign = 'request_body' | 'event_stream' | 'answer_body' | 'websocket'

/** How many bytes of a body are looked at. */
export const headBytesMax = 4_096

/** The ends of such paths. */
const noTurns = [
  '[\\w-]*embed(?:dings?)?',
  '(?:async)?(?:batch)?embed_?contents?',
  'count[_-]?tokens',
  'compute[_-]?tokens',
  'input_tokens',
  'token_?count(?:er)?',
  '(?:de)?tokenize',
  'apply-template',
  'moderations?',
  'guardrail',
  'classif(?:y|ications?)',
  're-?rank',
  'pooling',
  'score',
  'images/(?:generations|edits|variations)',
  'audio/\\w+',
  'transcriptions?',
  'translations?',
  'speech',
  'text-to-speech(?:/.*)?',
  'videos(?:/\\w+)?',
  'ocr',
  'compact',
  'files',
  'uploads?',
  'batch(?:es|GenerateContent)?',
  'cachedContents',
  'threads',
  'assistants',
  'fine_?tun(?:ing|es)(?:/jobs)?',
  'models',
  'api/(?:show|pull|push|create|copy|delete|tags|ps)',
]
const noTurnPath = new RegExp(`(?:^|[/:])(?:${noTurns.join('|')})/?$`, 'i')

/** A `POST` to this path is no model call, whatever it holds. */
export function isNoTurnPath(pathname: string): boolean {
  return noTurnPath.test(pathname)
}

/**
 * Whether a WebSocket at this path is one of a model API's whose messages are not seen: OpenAI's Realtime API and Gemini's Live
 * API, and OpenAI's Responses if the client hides its sockets.
 */
export function isModelSocket(
  pathname: string,
  { hidesSocket }: { hidesSocket: boolean },
): boolean {
  return (
    /\/(?:v1|openai)\/realtime\/?$|BidiGenerateContent\/?$/.test(pathname) ||
    (hidesSocket && /\/(?:v1|openai)\/responses\/?$/.test(pathname))
  )
}

/** What the first bytes of a request say. */
export interface RequestSigns {
  readonly isOfModel: boolean
  /** It certainly is something else. */
  readonly isOther: boolean
  /** Not enough by itself. */
  readonly isLikeModel: boolean
}

export function requestSigns(head: string): RequestSigns {
  // Most bodies need not be looked at closely.
  if (!requestMention.test(head)) return { isOfModel: false, isOther: false, isLikeModel: false }
  const names = outerMembers(head)
  const has = (name: string): boolean => names.has(name)
  const isOther = has('jsonrpc') || isGraphql(head, names)
  const isNamed = has('model') || has('model_id') || has('modelId')
  const isOfModel =
    !isOther &&
    ((has('messages') && (isNamed || head.includes('"role"'))) ||
      (has('contents') && /"(?:parts|role)"/.test(head)) ||
      (isNamed && (has('input') || has('prompt'))) ||
      ((has('prompt') || has('inputs')) && modelSetting.test(head)))
  return {
    isOfModel,
    isOther,
    isLikeModel: isOfModel || (!isOther && likeModel.some(has)),
  }
}

const requestMention =
  /"(?:messages|contents|inputs?|prompt|model|max_tokens|inputText|jsonrpc|query)"/
/** How long a text may become, and so on. */
const modelSetting =
  /"(?:max_(?:new_)?tokens|max_gen_len|n_predict|max_length|max_context_length|temperature|top_p)"\s*:/
const likeModel = ['messages', 'contents', 'prompt', 'model', 'max_tokens', 'inputText']

function isGraphql(head: string, names: ReadonlySet<string>): boolean {
  return (
    names.has('query') && /"query"\s*:\s*"\s*(?:(?:query|mutation|subscription)\b|\{)/.test(head)
  )
}

/** Whether the first bytes of a JSON answer are those of a model's. */
export function isModelAnswer(head: string): boolean {
  if (!/"(?:choices|candidates|usage|generated_text|tokens_predicted)"/.test(head)) return false
  const names = outerMembers(head)
  if (names.has('jsonrpc')) return false
  return (
    names.has('generated_text') ||
    names.has('tokens_predicted') ||
    (names.has('choices') && /"(?:message|delta|text|finish_reason)"/.test(head)) ||
    (names.has('candidates') && /"(?:content|finishReason|finish_reason)"/.test(head)) ||
    (names.has('usage') && /"usage"\s*:\s*\{[^}]*token/i.test(head))
  )
}

/** Whether the first bytes of a stream of events are those of a model's. */
export function isModelStream(head: string): boolean {
  return /"(?:choices|candidates|delta|finish_?reason|stop_reason|generated_text|token)"|"usage"\s*:\s*\{[^}]*token/i.test(
    head,
  )
}

export type AnswerKind = 'events' | 'aws_events' | 'json' | 'other'

export function answerKind(contentType: string | undefined): AnswerKind {
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? ''
  if (type === 'text/event-stream' || type === 'application/x-ndjson') return 'events'
  if (type === 'application/vnd.amazon.eventstream') return 'aws_events'
  return /[/+]json$/.test(type) ? 'json' : 'other'
}

/** Whether any stream of events from this address counts. */
export function isStreamOfModel(kind: 'events' | 'aws_events', { hostname }: URL): boolean {
  return kind === 'aws_events' ? /(?:^|\.)bedrock/.test(hostname) : !isNearby(hostname)
}

/** On this machine, or in its network. */
function isNearby(hostname: string): boolean {
  return (
    !hostname.includes('.') ||
    /^(?:127|10|192\.168|172\.(?:1[6-9]|2\d|3[01])|169\.254|0)\./.test(hostname) ||
    /\.(?:localhost|local|internal|lan)$/.test(hostname)
  )
}

const patternLengthMax = 200

/**
 * The path with `{id}` for what differs between requests, or may be a secret: numbers, UUIDs, keys of known formats, what looks
 * random, and what follows a name such as `key`. Names of models stay.
 */
export function pathPattern(pathname: string): string {
  const segments = pathname.split('/')
  const pattern = segments
    .map((segment, index) => (isSecret(segment, segments[index - 1]) ? '{id}' : withIds(segment)))
    .join('/')
  return pattern.length > patternLengthMax ? `${pattern.slice(0, patternLengthMax)}…` : pattern
}

function isSecret(segment: string, before: string | undefined): boolean {
  if (/^\d+$/.test(segment) || keyPrefix.test(segment)) return true
  if (before !== undefined && keyName.test(before) && segment.length >= 6) return true
  return redactText(segment).redactions > 0
}

const keyPrefix = /^(?:[a-z]{0,4}key|[sprt]k|tok(?:en)?|secret)[-_][\w-]{8,}/i
const keyName = /^(?:api[-_]?)?(?:keys?|tokens?|secrets?|auth|bearer|passwords?)$/i

function withIds(segment: string): string {
  return segment
    .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, '{id}')
    .replace(/\w{8,}/g, (piece) => (isId(piece) ? '{id}' : piece))
}

/** A date is a number, too, and part of a model's name. */
function isId(piece: string): boolean {
  if (/^\d+$/.test(piece)) return piece.length > 8
  if (piece.length >= 16 && /\d/.test(piece)) return true
  if (piece.length >= 24 && /[a-z]/.test(piece) && /[A-Z]/.test(piece)) return true
  return isRandom(piece) || /^(?=.*\d)[0-9a-f]{8,}$/i.test(piece)
}
