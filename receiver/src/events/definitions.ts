/**
 * The six plain events, as data: what each may hold, what that means, and where it goes. Reading, the JSON Schemas and
 * docs/EVENTS.md are made from these tables.
 */
import {
  type AttributeName,
  decisionSources,
  decisionTypes,
  fileOperationTypes,
} from '@turnlog/conventions'

/** What a member may be. `null` and an empty id are as good as absent; a schema is for what is not null. */
export const kinds = {
  time: {
    meaning:
      'ISO 8601 (`2026-10-02T09:30:00.250Z`; without an offset it is UTC), or milliseconds since 1970',
    schema: { type: ['string', 'number'] },
  },
  id: {
    meaning: 'a string, or an integer, which is then its decimal digits',
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
      'the text of a file, or `{"base64": "…"}` where it is no text, or `{"ref": "sha256:…"}` for an attachment',
    schema: { anyOf: [{ type: 'string' }, { $ref: 'Reference' }, { $ref: 'Base64' }] },
  },
  json: {
    meaning: 'any JSON; a string is kept as it is; `{"ref": "sha256:…"}` is an attachment',
    schema: {},
  },
  error: {
    meaning:
      'a message, or `{"type", "message"}`; `true` where no more is known; `false` or an empty string for none',
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
  /** Only these, in either case. */
  readonly choices?: readonly string[]
  /** Where the value goes as it is; the others are put together by `to-request.ts`. */
  readonly attribute?: AttributeName
}

/** Members of every event. */
export const commonMembers = {
  timestamp: {
    kind: 'time',
    meaning: 'When it ended. It began its duration earlier.',
    example: '2026-10-02T09:30:00.250Z',
    isRequired: true,
  },
  eventId: {
    kind: 'id',
    meaning:
      'The event’s own id: sent again, the event is a duplicate, whatever else has changed in it. Without one the SHA-256 of the event does that.',
    example: 'e-4711',
    attribute: 'turnlog.event.id',
  },
  sessionId: {
    kind: 'id',
    meaning:
      'One run of the app. A SessionStart without one opens the session that has its event id.',
    example: 's-1',
  },
  conversationId: {
    kind: 'id',
    meaning: 'The chat, where the app has one.',
    example: 'c-7',
    attribute: 'gen_ai.conversation.id',
  },
  turnId: {
    kind: 'id',
    meaning:
      'The turn: one user message and all that follows until its answer. The same on the ChatTurn and on all that happened in it.',
    example: 't-1',
    attribute: 'turnlog.turn.id',
  },
  toolCallId: {
    kind: 'id',
    meaning: 'The tool call: the same on the ToolCall and on the file operations it made.',
    example: 'toolu_01',
    attribute: 'gen_ai.tool.call.id',
  },
  userId: {
    kind: 'id',
    meaning:
      'Who runs the app. The user of an `ingest` token wins over it; behind a `gateway` token every event should have it.',
    example: 'mara',
    attribute: 'user.id',
  },
  appName: {
    kind: 'text',
    meaning: 'The app.',
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
  /** The member that says how long it took, where there is one. */
  readonly duration?: string
  readonly members: Readonly<Record<string, Member>>
}

export const definitions = {
  SessionStart: {
    meaning: 'An app process began.',
    members: {
      machineId: {
        kind: 'id',
        meaning: 'The machine; better a hash than a name.',
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
        meaning: 'The final answer, or as much of it as there was.',
        example: 'Done: two files changed.',
      },
      model: {
        kind: 'text',
        meaning: 'The model that was asked.',
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
        meaning: 'Input tokens of all its model calls, cached ones included.',
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
    meaning: 'A tool the model asked for was executed.',
    duration: 'durationMs',
    members: {
      toolName: {
        kind: 'text',
        meaning: 'The tool.',
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
        meaning: 'What the model was told.',
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
        meaning:
          'The operation’s id, unique in the team (a UUID is): decisions name their operation by it.',
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
        meaning: 'What was done.',
        example: 'edit',
        isRequired: true,
        choices: fileOperationTypes,
        attribute: 'turnlog.file_operation.type',
      },
      previousPath: {
        kind: 'text',
        meaning: 'On a rename: where the file was before.',
        example: 'src/old.ts',
        attribute: 'turnlog.file_operation.previous_path',
      },
      beforeContent: {
        kind: 'file',
        meaning: 'The whole file before; absent when there was none.',
        example: 'let foo = 1\n',
        attribute: 'turnlog.file_operation.before',
      },
      afterContent: {
        kind: 'file',
        meaning: 'The whole file after; absent when there is none.',
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
        meaning: 'The operation that was decided on. It may arrive later than the decision.',
        example: '5f8c6a1e-9d0b-4a3c-8a52-0c7f7f0d7a11',
        isRequired: true,
        attribute: 'turnlog.file_operation.id',
      },
      decision: {
        kind: 'text',
        meaning: 'What was decided.',
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
        meaning: 'Who decided.',
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
    meaning: 'Something went wrong in the app.',
    members: {
      message: {
        kind: 'text',
        meaning: 'What went wrong.',
        example: 'x is not a function',
        isRequired: true,
        attribute: 'exception.message',
      },
      stack: {
        kind: 'text',
        meaning: 'Where.',
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
        meaning: 'What was going on.',
        example: { phase: 'startup' },
        attribute: 'turnlog.error.context',
      },
    },
  },
} as const satisfies Readonly<Record<string, Definition>>

export type EventType = keyof typeof definitions
