/**
 * All attributes: OpenTelemetry's, and Turnlog's. OpenTelemetry's are copied, as its documentation advises for unstable names.
 *
 * Code writes the names as literals of type `AttributeName`, so a name that is not in a table does not compile.
 * `docs/CONVENTIONS.md` is made from these tables.
 *
 * Every attribute `K` of type `content` has companions (`contentSuffixes`): always `K.size`; `K.sha256` on file operations;
 * `K.ref` instead of `K` when the content travels apart; `K.omitted` and `K.redactions` when they apply.
 */
import { type AttributeDefinition, development, stable } from './definition.ts'
import { genAiAttributes } from './gen-ai.ts'
import { turnlogAttributes } from './turnlog.ts'

/** Names of OpenTelemetry's general conventions (v1.42) that Turnlog sets or reads. */
export const generalAttributes = {
  'service.name': stable.string(
    'The app: `OTEL_SERVICE_NAME`, else the name in its package.json, else the main script.',
    'example',
  ),
  'service.version': stable.string('The version in the app’s package.json.', '1.4.0'),
  'service.instance.id': stable.string(
    'The recorder: one thread of one process, from its start to its end.',
    '0198c2c4-6c1e-4d0a-9a39-6f9d7c1f3b77',
  ),
  'session.id': development.string(
    'The session: one run of an app process.',
    '0198c2c4-6c1e-4d0a-9a39-6f9d7c1f3b70',
  ),
  'user.id': development.string(
    'Who runs the app: `TELEMETRY_USER_ID`, else the operating system’s user name. The receiver replaces it by the token’s user.',
    'mara',
  ),
  'host.id': development.string(
    'The machine id, hashed together with a constant of Turnlog.',
    'b3c1f0…',
  ),
  'host.arch': development.string('The processor architecture.', 'amd64'),
  'os.type': development.string('The operating system.', 'linux'),
  'os.version': development.string('The release of the operating system.', '6.1.0'),
  'process.pid': development.int(
    'The process id of the app; on `turnlog.process.*` events that of the child process.',
    4711,
  ),
  'process.executable.name': development.string(
    'The name of the child process’s program, without its folder.',
    'sh',
  ),
  'process.exit.code': development.int(
    'The exit code of the child process; absent when a signal ended it. On a turn: the code with which the app exited while the turn was open.',
    0,
  ),
  'process.runtime.name': development.string('Always `nodejs`.', 'nodejs'),
  'process.runtime.version': development.string('The version of Node.js.', '24.21.0'),
  'telemetry.sdk.language': stable.string('The language of the OpenTelemetry SDK.', 'nodejs'),
  'telemetry.sdk.name': stable.string('The name of the OpenTelemetry SDK.', 'opentelemetry'),
  'telemetry.sdk.version': stable.string('The version of the OpenTelemetry SDK.', '3.1.0'),
  'telemetry.distro.name': development.string('Always `turnlog`.', 'turnlog'),
  'telemetry.distro.version': development.string(
    'The version of @turnlog/instrumentation.',
    '0.1.0',
  ),
  'vcs.ref.head.revision': development.string(
    'The commit that is checked out in the workspace.',
    '9d59409acf479dfa0df1aa568182e43e43df8bbe',
  ),
  'vcs.ref.head.name': development.string(
    'The branch that is checked out in the workspace; absent on a detached head.',
    'main',
  ),
  'log.record.uid': development.string(
    'Recorder and sequence. Records with the same value are the same record.',
    '0198c2c4-6c1e-4d0a-9a39-6f9d7c1f3b77/17',
  ),
  'error.type': stable.string(
    'The kind of error that ended the operation: an exception’s type, an HTTP status, `tool_error` if only the tool’s result says so, or `_OTHER` if nothing is known of it.',
    '529',
  ),
  'exception.type': stable.string('The exception’s class or code.', 'TypeError'),
  'exception.message': stable.string('The exception’s message.', 'x is not a function'),
  'exception.stacktrace': stable.string(
    'The exception’s stack.',
    'TypeError: x is not a function\n    at main (app.js:3:1)',
  ),
  'file.path': development.string(
    'The file’s path: relative to the workspace, with `/`; absolute when the file is outside of it.',
    'src/hello.txt',
  ),
  'http.request.method': stable.string(
    'The HTTP method of the request that a turn answers.',
    'POST',
  ),
  'http.response.status_code': stable.int(
    'The HTTP status of the answer: the app’s on a turn, the model API’s on a model call.',
    200,
  ),
  'url.path': stable.string(
    'The path of the request or socket that started the turn, without its query.',
    '/api/chat',
  ),
  'url.template': development.string(
    'On `turnlog.unseen`: the path of the requests, without query; ids in it are `{id}`.',
    '/v2/threads/{id}/run',
  ),
  'server.address': stable.string(
    'The model API’s host; on `turnlog.unseen` that of the requests.',
    'api.anthropic.com',
  ),
  'server.port': stable.int('The port at that host.', 443),
}

export const attributes = {
  ...generalAttributes,
  ...genAiAttributes,
  ...turnlogAttributes,
} as const

/** The companions of a content attribute `K`, such as `K.size`. */
export const contentSuffixes = {
  size: stable.int(
    'The size of the (redacted) content in bytes of UTF-8; also given when the content itself is absent.',
    512,
    'By',
  ),
  sha256: stable.string(
    'The hash of the (redacted) content: `sha256:` and 64 hex digits.',
    'sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae',
  ),
  omitted: stable.string(
    'Why the content itself is absent: `too_large`, `unreadable`, `not_a_file`, `outside_workspace`, `incomplete` (a piece of it was lost before it was sealed), `not_copied` (no copy was made before a child process changed the file, it was too old to be sure, or the copies were at their limit), `changing` (the file changed while it was read), `not_told` (the app reported a file operation without it), `not_json` (the app reported a value that has no JSON).',
    'too_large',
  ),
  redactions: stable.int(
    'How many secrets were replaced by a marker; absent when there are none.',
    1,
    '{redaction}',
  ),
}

type ContentName = {
  [Name in keyof typeof attributes]: (typeof attributes)[Name]['type'] extends 'content'
    ? Name
    : never
}[keyof typeof attributes]

export type ContentAttributeName = ContentName
/** The names of attributes whose value is content. */
export const contentNames: ReadonlySet<string> = namesOf(({ type }) => type === 'content')
/** The names of attributes whose content is always JSON. */
export const jsonContentNames: ReadonlySet<string> = namesOf(({ isJson }) => isJson)
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
