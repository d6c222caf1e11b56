/**
 * The six plain events as data: the members of each, their meanings, and the attributes they become. The reader, the JSON
 * Schemas and docs/EVENTS.md are made from these tables.
 */
import {
  type AttributeName,
  decisionSources,
  decisionTypes,
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
  /** The attribute that holds the value unchanged; `to-requests.ts` handles the other members. */
  readonly attribute?: AttributeName
}

/** Members of every event. */
export const commonMembers = {
  timestamp: {
    kind: 'time',
    meaning: 'The time at which it ended. Its start is earlier by its duration.',
    example: '2026-10-02T09:30:00.250Z',
    isRequired: true,
  },
  eventId: {
    kind: 'id',
    meaning:
      'The event’s own id. A second event with this id is a duplicate, whatever else has changed in it. Without an id the SHA-256 of the event is used.',
    example: 'e-4711',
    attribute: 'turnlog.event.id',
  },
  sessionId: {
    kind: 'id',
    meaning:
      'One run of the app. A SessionStart without it starts the session named by its event id.',
    example: 's-1',
  },
  conversationId: {
    kind: 'id',
    meaning: 'The chat, if the app has one.',
    example: 'c-7',
    attribute: 'gen_ai.conversation.id',
  },
  turnId: {
    kind: 'id',
    meaning:
      'The turn: one user message and everything that follows until its answer. Use the same id on the ChatTurn and on every event of the turn.',
    example: 't-1',
    attribute: 'turnlog.turn.id',
  },
  toolCallId: {
    kind: 'id',
    meaning: 'The tool call. Use the same id on the ToolCall and on its file operations.',
    example: 'toolu_01',
    attribute: 'gen_ai.tool.call.id',
  },
  userId: {
    kind: 'id',
    meaning:
      'The user of the app. The user of an `ingest` token takes precedence; with a `gateway` token every event should have this.',
    example: 'mara',
    attribute: 'user.id',
  },
  appName: {
    kind: 'text',
    meaning: 'The name of the app.',
    example: 'my-agent',
  },
} as const satisfies Readonly<Record<string, Member>>

const error = {
  kind: 'error',
  meaning: 'Why it failed.',
  example: 'no such file',
} as const satisfies Member

export interface Definition {
  readonly meaning: string
  /** The member that holds its duration, if the event has one. */
  readonly duration?: string
  readonly members: Readonly<Record<string, Member>>
}

export const definitions = {
  SessionStart: {
    meaning: 'An app process started.',
    members: {
      machineId: {
        kind: 'id',
        meaning: 'The machine, preferably as a hash.',
        example: 'b3c1f0',
        attribute: 'host.id',
      },
      appVersion: {
        kind: 'id',
        meaning: 'The app’s version.',
        example: '1.4.0',
        attribute: 'service.version',
      },
      os: { kind: 'system', meaning: 'The operating system.', example: 'linux' },
    },
  },
  ChatTurn: {
    meaning: 'A user’s message was answered.',
    duration: 'latencyMs',
    members: {
      userPrompt: {
        kind: 'content',
        meaning: 'The user’s message.',
        example: 'Rename foo to bar.',
      },
      assistantFinal: {
        kind: 'content',
        meaning: 'The final answer, or the part of it that arrived.',
        example: 'Done: two files changed.',
      },
      model: {
        kind: 'text',
        meaning: 'The requested model.',
        example: 'claude-sonnet-4-5',
        attribute: 'gen_ai.request.model',
      },
      latencyMs: {
        kind: 'milliseconds',
        meaning: 'From the message to the end of the answer.',
        example: 5250,
      },
      inputTokens: {
        kind: 'count',
        meaning: 'Input tokens of all its model calls, including cached tokens.',
        example: 1200,
        attribute: 'gen_ai.usage.input_tokens',
      },
      outputTokens: {
        kind: 'count',
        meaning: 'Output tokens of all its model calls.',
        example: 310,
        attribute: 'gen_ai.usage.output_tokens',
      },
      error,
    },
  },
  ToolCall: {
    meaning: 'A tool that the model asked for was executed.',
    duration: 'durationMs',
    members: {
      toolName: {
        kind: 'text',
        meaning: 'The name of the tool.',
        example: 'write_file',
        isRequired: true,
        attribute: 'gen_ai.tool.name',
      },
      args: {
        kind: 'json',
        meaning: 'The arguments the model gave.',
        example: { path: 'src/foo.ts' },
        attribute: 'gen_ai.tool.call.arguments',
      },
      result: {
        kind: 'json',
        meaning: 'The result that the model was given.',
        example: 'ok',
        attribute: 'gen_ai.tool.call.result',
      },
      durationMs: { kind: 'milliseconds', meaning: 'How long it took.', example: 40 },
      error,
    },
  },
  FileOperation: {
    meaning: 'A file was created, written, edited, deleted or renamed.',
    duration: 'durationMs',
    members: {
      opId: {
        kind: 'id',
        meaning: 'The operation’s id, unique in the team, such as a UUID. Decisions refer to it.',
        example: '5f8c6a1e-9d0b-4a3c-8a52-0c7f7f0d7a11',
        isRequired: true,
        attribute: 'turnlog.file_operation.id',
      },
      path: {
        kind: 'text',
        meaning: 'The file, relative to the workspace, with `/`.',
        example: 'src/foo.ts',
        isRequired: true,
        attribute: 'file.path',
      },
      opType: {
        kind: 'text',
        meaning: 'The kind of operation.',
        example: 'edit',
        isRequired: true,
        choices: fileOperationTypes,
        attribute: 'turnlog.file_operation.type',
      },
      previousPath: {
        kind: 'text',
        meaning: 'The path before a rename.',
        example: 'src/old.ts',
        attribute: 'turnlog.file_operation.previous_path',
      },
      beforeContent: {
        kind: 'file',
        meaning: 'The whole file before; absent when there was no file.',
        example: 'let foo = 1\n',
        attribute: 'turnlog.file_operation.before',
      },
      afterContent: {
        kind: 'file',
        meaning: 'The whole file after; absent when there is no file.',
        example: 'let bar = 1\n',
        attribute: 'turnlog.file_operation.after',
      },
      unifiedDiff: {
        kind: 'content',
        meaning: 'The unified diff from before to after.',
        example: '--- a/src/foo.ts\n+++ b/src/foo.ts\n@@ -1 +1 @@\n-let foo = 1\n+let bar = 1\n',
        attribute: 'turnlog.file_operation.diff',
      },
      locAdded: {
        kind: 'count',
        meaning: 'Lines added.',
        example: 1,
        attribute: 'turnlog.file_operation.lines_added',
      },
      locRemoved: {
        kind: 'count',
        meaning: 'Lines removed.',
        example: 1,
        attribute: 'turnlog.file_operation.lines_removed',
      },
      durationMs: { kind: 'milliseconds', meaning: 'How long it took.', example: 2 },
      error,
    },
  },
  ChangeDecision: {
    meaning: 'A file operation was accepted, rejected or reverted.',
    members: {
      opId: {
        kind: 'id',
        meaning: 'The operation that was decided on. It may arrive after the decision.',
        example: '5f8c6a1e-9d0b-4a3c-8a52-0c7f7f0d7a11',
        isRequired: true,
        attribute: 'turnlog.file_operation.id',
      },
      decision: {
        kind: 'text',
        meaning: 'The decision.',
        example: 'accept',
        isRequired: true,
        choices: decisionTypes,
        attribute: 'turnlog.decision.type',
      },
      reason: {
        kind: 'text',
        meaning: 'Why, in the decider’s words.',
        example: 'wrong file',
        attribute: 'turnlog.decision.reason',
      },
      source: {
        kind: 'text',
        meaning: 'Who or what decided.',
        example: 'user',
        choices: decisionSources,
        attribute: 'turnlog.decision.source',
      },
      path: {
        kind: 'text',
        meaning: 'The file.',
        example: 'src/foo.ts',
        attribute: 'file.path',
      },
    },
  },
  Error: {
    meaning: 'An error in the app.',
    members: {
      message: {
        kind: 'text',
        meaning: 'The error message.',
        example: 'x is not a function',
        isRequired: true,
        attribute: 'exception.message',
      },
      stack: {
        kind: 'text',
        meaning: 'The stack trace.',
        example: 'TypeError: x is not a function\n    at main (app.js:3:1)',
        attribute: 'exception.stacktrace',
      },
      errorType: {
        kind: 'text',
        meaning: 'The error’s class or code.',
        example: 'TypeError',
        attribute: 'exception.type',
      },
      context: {
        kind: 'json',
        meaning: 'What the app was doing.',
        example: { phase: 'startup' },
        attribute: 'turnlog.error.context',
      },
    },
  },
} as const satisfies Readonly<Record<string, Definition>>

export type EventType = keyof typeof definitions
