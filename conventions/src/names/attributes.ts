/**
 * All attributes: OpenTelemetry's, copied as it advises for names that are not stable, and Turnlog's.
 *
 * Code writes the names as literals of type `AttributeName`, so a name that is not in a table does not compile.
 * `docs/CONVENTIONS.md` is made from these tables.
 *
 * Every attribute `K` of type `content` has companions (`contentSuffixes`): always `K.size`; `K.sha256` on file operations;
 * `K.ref` instead of `K` when the content travels apart; `K.omitted` and `K.redactions` when they apply.
 */
import type { AttributeDefinition } from './definition.ts'
import { genAiAttributes } from './gen-ai.ts'
import { turnlogAttributes } from './turnlog.ts'

/** Names of OpenTelemetry's general conventions (v1.42) that Turnlog sets or reads. */
export const generalAttributes = {
  'service.name': {
    type: 'string',
    meaning:
      'The app: `OTEL_SERVICE_NAME`, else the name in its package.json, else the main script.',
    example: 'example',
    stability: 'stable',
  },
  'service.version': {
    type: 'string',
    meaning: 'The version in the app’s package.json.',
    example: '1.4.0',
    stability: 'stable',
  },
  'service.instance.id': {
    type: 'string',
    meaning: 'The recorder: one thread of one process, from its start to its end.',
    example: '0198c2c4-6c1e-4d0a-9a39-6f9d7c1f3b77',
    stability: 'stable',
  },
  'session.id': {
    type: 'string',
    meaning: 'The session: one run of an app process.',
    example: '0198c2c4-6c1e-4d0a-9a39-6f9d7c1f3b70',
    stability: 'development',
  },
  'user.id': {
    type: 'string',
    meaning:
      'Who runs the app: `TELEMETRY_USER_ID`, else the operating system’s user name. The receiver replaces it by the token’s user.',
    example: 'mara',
    stability: 'development',
  },
  'host.id': {
    type: 'string',
    meaning: 'The machine id, hashed together with a constant of Turnlog.',
    example: 'b3c1f0…',
    stability: 'development',
  },
  'host.arch': {
    type: 'string',
    meaning: 'The processor architecture.',
    example: 'amd64',
    stability: 'development',
  },
  'os.type': {
    type: 'string',
    meaning: 'The operating system.',
    example: 'linux',
    stability: 'development',
  },
  'os.version': {
    type: 'string',
    meaning: 'The release of the operating system.',
    example: '6.1.0',
    stability: 'development',
  },
  'process.pid': {
    type: 'int',
    meaning: 'The process id of the app.',
    example: 4711,
    stability: 'development',
  },
  'process.runtime.name': {
    type: 'string',
    meaning: 'Always `nodejs`.',
    example: 'nodejs',
    stability: 'development',
  },
  'process.runtime.version': {
    type: 'string',
    meaning: 'The version of Node.js.',
    example: '24.21.0',
    stability: 'development',
  },
  'telemetry.sdk.language': {
    type: 'string',
    meaning: 'The language of the OpenTelemetry SDK.',
    example: 'nodejs',
    stability: 'stable',
  },
  'telemetry.sdk.name': {
    type: 'string',
    meaning: 'The name of the OpenTelemetry SDK.',
    example: 'opentelemetry',
    stability: 'stable',
  },
  'telemetry.sdk.version': {
    type: 'string',
    meaning: 'The version of the OpenTelemetry SDK.',
    example: '3.1.0',
    stability: 'stable',
  },
  'telemetry.distro.name': {
    type: 'string',
    meaning: 'Always `turnlog`.',
    example: 'turnlog',
    stability: 'development',
  },
  'telemetry.distro.version': {
    type: 'string',
    meaning: 'The version of @turnlog/instrumentation.',
    example: '0.1.0',
    stability: 'development',
  },
  'vcs.ref.head.revision': {
    type: 'string',
    meaning: 'The commit that is checked out in the workspace.',
    example: '9d59409acf479dfa0df1aa568182e43e43df8bbe',
    stability: 'development',
  },
  'vcs.ref.head.name': {
    type: 'string',
    meaning: 'The branch that is checked out in the workspace; absent on a detached head.',
    example: 'main',
    stability: 'development',
  },
  'log.record.uid': {
    type: 'string',
    meaning: 'Recorder and sequence. Records with the same value are the same record.',
    example: '0198c2c4-6c1e-4d0a-9a39-6f9d7c1f3b77/17',
    stability: 'development',
  },
  'error.type': {
    type: 'string',
    meaning:
      'The kind of error that ended the operation: an exception’s type, an HTTP status, or `tool_error`.',
    example: '529',
    stability: 'stable',
  },
  'exception.type': {
    type: 'string',
    meaning: 'The exception’s class or code.',
    example: 'TypeError',
    stability: 'stable',
  },
  'exception.message': {
    type: 'string',
    meaning: 'The exception’s message.',
    example: 'x is not a function',
    stability: 'stable',
  },
  'exception.stacktrace': {
    type: 'string',
    meaning: 'The exception’s stack.',
    example: 'TypeError: x is not a function\n    at main (app.js:3:1)',
    stability: 'stable',
  },
  'file.path': {
    type: 'string',
    meaning:
      'The file’s path: relative to the workspace, with `/`; absolute when the file is outside of it.',
    example: 'src/hello.txt',
    stability: 'development',
  },
  'http.request.method': {
    type: 'string',
    meaning: 'The HTTP method of the request that a turn answers.',
    example: 'POST',
    stability: 'stable',
  },
  'http.response.status_code': {
    type: 'int',
    meaning: 'The HTTP status of the answer: the app’s on a turn, the model API’s on a model call.',
    example: 200,
    stability: 'stable',
  },
  'url.path': {
    type: 'string',
    meaning: 'The path of the request or socket that started the turn, without its query.',
    example: '/api/chat',
    stability: 'stable',
  },
  'server.address': {
    type: 'string',
    meaning: 'The model API’s host.',
    example: 'api.anthropic.com',
    stability: 'stable',
  },
  'server.port': {
    type: 'int',
    meaning: 'The model API’s port.',
    example: 443,
    stability: 'stable',
  },
} as const satisfies Record<string, AttributeDefinition>

export const attributes = {
  ...generalAttributes,
  ...genAiAttributes,
  ...turnlogAttributes,
} as const

/** The companions of a content attribute `K`, such as `K.size`. */
export const contentSuffixes = {
  size: {
    type: 'int',
    unit: 'By',
    meaning:
      'The size of the (redacted) content in bytes of UTF-8; also given when the content itself is absent.',
    example: 512,
    stability: 'stable',
  },
  sha256: {
    type: 'string',
    meaning: 'The hash of the (redacted) content: `sha256:` and 64 hex digits.',
    example: 'sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae',
    stability: 'stable',
  },
  omitted: {
    type: 'string',
    meaning:
      'Why the content itself is absent: `too_large`, `unreadable`, `not_a_file`, `outside_workspace`, `incomplete` (a piece of it was lost before it was sealed), `not_told` (the app reported a file operation without it), `not_json` (the app reported a value that has no JSON).',
    example: 'too_large',
    stability: 'stable',
  },
  redactions: {
    type: 'int',
    unit: '{redaction}',
    meaning: 'How many secrets were replaced by a marker; absent when there are none.',
    example: 1,
    stability: 'stable',
  },
} as const satisfies Record<string, AttributeDefinition>

type ContentName = {
  [Name in keyof typeof attributes]: (typeof attributes)[Name]['type'] extends 'content'
    ? Name
    : never
}[keyof typeof attributes]

export type ContentAttributeName = ContentName
/** The names of attributes whose value is content. */
export const contentNames: ReadonlySet<string> = namesOf(({ type }) => type === 'content')
/** The names of attributes whose content is always JSON. */
export const jsonContentNames: ReadonlySet<string> = namesOf(({ isJson }) => isJson === true)
export type AttributeName =
  | keyof typeof attributes
  | `${ContentName}.${keyof typeof contentSuffixes}`

/** The schema of `turnlog.*` attributes; a rename raises it. */
export const schemaVersion = '1'
/** The schema URL of tracer and logger. */
export const schemaUrl = 'https://opentelemetry.io/schemas/gen-ai/1.42.0'
/** The instrumentation scope of what Turnlog itself emits. */
export const instrumentationScope = '@turnlog/instrumentation'

function namesOf(isWanted: (definition: AttributeDefinition) => boolean): ReadonlySet<string> {
  const wanted = Object.entries<AttributeDefinition>(attributes).filter(([, each]) =>
    isWanted(each),
  )
  return new Set(wanted.map(([name]) => name))
}
