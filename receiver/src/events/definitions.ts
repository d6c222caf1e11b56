/**
 * The plain events as data: the members of each, their meanings, and the attributes they become. The reader, the JSON
 * Schemas and docs/EVENTS.md are made from these tables.
 */
import {
  type AttributeName,
  decisionSources,
  decisionTypes,
  type EventName,
  fileOperationTypes,
} from '@turnlog/conventions'

/** The forms of members. `null` and an empty id are the same as absent; a schema is for values that are not null. */
export const kinds = {
  time: {
    meaning:
      'ISO 8601 (`2026-10-02T09:30:00.250Z`; without an offset it is UTC), or milliseconds since 1970',
    schema: { type: ['string', 'number'] },
  },
  id: {
    meaning: 'a string, or an integer, which becomes its decimal digits',
    schema: { type: ['string', 'integer'] },
  },
  text: { meaning: 'a string', schema: { type: ['string'] } },
  count: {
    meaning: 'an integer from 0 up, also as a string of digits',
    schema: { type: ['integer', 'string'], minimum: 0, pattern: '^\\d{1,18}$' },
  },
  milliseconds: {
    meaning: 'a number from 0 up, also as a string of digits',
    schema: { type: ['number', 'string'], minimum: 0, pattern: '^\\d+(\\.\\d+)?$' },
  },
  content: {
    meaning: 'a string of any length, or `{"ref": "sha256:…"}` for an attachment',
    schema: { anyOf: [{ type: 'string' }, { $ref: 'Reference' }] },
  },
  file: {
    meaning:
      'the text of a file, `{"base64": "…"}` for bytes that are not text, or `{"ref": "sha256:…"}` for an attachment',
    schema: { anyOf: [{ type: 'string' }, { $ref: 'Reference' }, { $ref: 'Base64' }] },
  },
  json: {
    meaning: 'any JSON; a string stays as it is; `{"ref": "sha256:…"}` is an attachment',
    schema: {},
  },
  error: {
    meaning:
      'a message, or `{"type", "message"}`; `true` when nothing more is known; `false` or an empty string for no error',
    schema: { type: ['string', 'boolean', 'object'] },
  },
  system: {
    meaning: 'a name, or `{"type", "version"}`',
    schema: { type: ['string', 'object'] },
  },
} as const satisfies Readonly<Record<string, { readonly meaning: string; readonly schema: object }>>
export type Kind = keyof typeof kinds

export interface Member {
  readonly kind: Kind
  readonly meaning: string
  readonly example: unknown
  readonly isRequired?: true
  /** The allowed values, in upper or lower case. */
  readonly choices?: readonly string[]
  readonly attribute?: AttributeName
}

/** `attribute` holds the value unchanged; `to-requests.ts` handles the members without one. */
function optional(
  kind: Kind,
  meaning: string,
  example: unknown,
  attribute?: AttributeName,
): Member {
  return { kind, meaning, example, ...(attribute && { attribute }) }
}

function required(...member: Parameters<typeof optional>): Member {
  return { ...optional(...member), isRequired: true }
}

/** Members of every event. */
export const commonMembers = {
  timestamp: required(
    'time',
    'The time at which it ended. Its start is earlier by its duration.',
    '2026-10-02T09:30:00.250Z',
  ),
  eventId: optional(
    'id',
    'The event’s own id. A second event with this id is a duplicate, whatever else has changed in it. Without an id the SHA-256 of the event is used.',
    'e-4711',
    'turnlog.event.id',
  ),
  sessionId: optional(
    'id',
    'One run of the app. A SessionStart without it starts the session named by its event id.',
    's-1',
  ),
  conversationId: optional('id', 'The chat, if the app has one.', 'c-7', 'gen_ai.conversation.id'),
  turnId: optional(
    'id',
    'The turn: one user message and everything that follows until its answer. Use the same id on the ChatTurn and on every event of the turn.',
    't-1',
    'turnlog.turn.id',
  ),
  toolCallId: optional(
    'id',
    'The tool call. Use the same id on the ToolCall and on its file operations.',
    'toolu_01',
    'gen_ai.tool.call.id',
  ),
  userId: optional(
    'id',
    'The user of the app. The user of an `ingest` token takes precedence; with a `gateway` token every event should have this.',
    'mara',
    'user.id',
  ),
  appName: optional('text', 'The name of the app.', 'my-agent'),
} satisfies Readonly<Record<string, Member>>

const error = optional('error', 'Why it failed.', 'no such file')

export interface Definition {
  readonly meaning: string
  /** The log event that it becomes. Without this it becomes a span. */
  readonly logEvent?: EventName
  /** The member that holds its duration, if the event has one. */
  readonly duration?: string
  readonly members: Readonly<Record<string, Member>>
}

export const definitions = {
  SessionStart: {
    meaning: 'An app process started.',
    logEvent: 'session.start',
    members: {
      machineId: optional('id', 'The machine, preferably as a hash.', 'b3c1f0', 'host.id'),
      appVersion: optional('id', 'The app’s version.', '1.4.0', 'service.version'),
      os: optional('system', 'The operating system.', 'linux'),
    },
  },
  ChatTurn: {
    meaning: 'A user’s message was answered.',
    duration: 'latencyMs',
    members: {
      userPrompt: optional('content', 'The user’s message.', 'Rename foo to bar.'),
      assistantFinal: optional(
        'content',
        'The final answer, or the part of it that arrived.',
        'Done: two files changed.',
      ),
      model: optional('text', 'The requested model.', 'claude-sonnet-4-5', 'gen_ai.request.model'),
      latencyMs: optional('milliseconds', 'From the message to the end of the answer.', 5250),
      inputTokens: optional(
        'count',
        'Input tokens of all its model calls, including cached tokens.',
        1200,
        'gen_ai.usage.input_tokens',
      ),
      outputTokens: optional(
        'count',
        'Output tokens of all its model calls.',
        310,
        'gen_ai.usage.output_tokens',
      ),
      error,
    },
  },
  ToolCall: {
    meaning: 'A tool that the model asked for was executed.',
    duration: 'durationMs',
    members: {
      toolName: required('text', 'The name of the tool.', 'write_file', 'gen_ai.tool.name'),
      args: optional(
        'json',
        'The arguments the model gave.',
        { path: 'src/foo.ts' },
        'gen_ai.tool.call.arguments',
      ),
      result: optional(
        'json',
        'The result that the model was given.',
        'ok',
        'gen_ai.tool.call.result',
      ),
      durationMs: optional('milliseconds', 'How long it took.', 40),
      error,
    },
  },
  FileOperation: {
    meaning: 'A file was created, written, edited, deleted or renamed.',
    duration: 'durationMs',
    members: {
      opId: required(
        'id',
        'The operation’s id, unique in the team, such as a UUID. Decisions refer to it.',
        '5f8c6a1e-9d0b-4a3c-8a52-0c7f7f0d7a11',
        'turnlog.file_operation.id',
      ),
      path: required(
        'text',
        'The file, relative to the workspace, with `/`.',
        'src/foo.ts',
        'file.path',
      ),
      opType: {
        ...required('text', 'The kind of operation.', 'edit', 'turnlog.file_operation.type'),
        choices: fileOperationTypes,
      },
      previousPath: optional(
        'text',
        'The path before a rename.',
        'src/old.ts',
        'turnlog.file_operation.previous_path',
      ),
      beforeContent: optional(
        'file',
        'The whole file before; absent when there was no file.',
        'let foo = 1\n',
        'turnlog.file_operation.before',
      ),
      afterContent: optional(
        'file',
        'The whole file after; absent when there is no file.',
        'let bar = 1\n',
        'turnlog.file_operation.after',
      ),
      unifiedDiff: optional(
        'content',
        'The unified diff from before to after.',
        '--- a/src/foo.ts\n+++ b/src/foo.ts\n@@ -1 +1 @@\n-let foo = 1\n+let bar = 1\n',
        'turnlog.file_operation.diff',
      ),
      locAdded: optional('count', 'Lines added.', 1, 'turnlog.file_operation.lines_added'),
      locRemoved: optional('count', 'Lines removed.', 1, 'turnlog.file_operation.lines_removed'),
      durationMs: optional('milliseconds', 'How long it took.', 2),
      error,
    },
  },
  ChangeDecision: {
    meaning: 'A file operation was accepted, rejected or reverted.',
    logEvent: 'turnlog.change.decision',
    members: {
      opId: required(
        'id',
        'The operation that was decided on. It may arrive after the decision.',
        '5f8c6a1e-9d0b-4a3c-8a52-0c7f7f0d7a11',
        'turnlog.file_operation.id',
      ),
      decision: {
        ...required('text', 'The decision.', 'accept', 'turnlog.decision.type'),
        choices: decisionTypes,
      },
      reason: optional(
        'text',
        'Why, in the decider’s words.',
        'wrong file',
        'turnlog.decision.reason',
      ),
      source: {
        ...optional('text', 'Who or what decided.', 'user', 'turnlog.decision.source'),
        choices: decisionSources,
      },
      path: optional('text', 'The file.', 'src/foo.ts', 'file.path'),
    },
  },
  Error: {
    meaning: 'An error in the app.',
    logEvent: 'exception',
    members: {
      message: required('text', 'The error message.', 'x is not a function', 'exception.message'),
      stack: optional(
        'text',
        'The stack trace.',
        'TypeError: x is not a function\n    at main (app.js:3:1)',
        'exception.stacktrace',
      ),
      errorType: optional('text', 'The error’s class or code.', 'TypeError', 'exception.type'),
      context: optional(
        'json',
        'What the app was doing.',
        { phase: 'startup' },
        'turnlog.error.context',
      ),
    },
  },
} satisfies Readonly<Record<string, Definition>>

export type EventType = keyof typeof definitions
