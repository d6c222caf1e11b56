/** Turnlog's own attributes, for what OpenTelemetry has no name. */
import type { AttributeDefinition } from './definition.ts'

export const turnlogAttributes = {
  'turnlog.schema.version': {
    type: 'string',
    meaning: 'The version of these names.',
    example: '1',
    stability: 'stable',
  },
  'turnlog.capture.mode': {
    type: 'string',
    meaning: 'What is captured: `full`, `no_files` or `metadata`.',
    example: 'full',
    stability: 'stable',
  },
  'turnlog.sequence': {
    type: 'int',
    unit: '{record}',
    meaning: 'The record’s number: 1, 2, 3 … per recorder, in the order of recording.',
    example: 17,
    stability: 'stable',
  },
  'turnlog.recorder.recorded_through': {
    type: 'int',
    unit: '{record}',
    meaning:
      'On the resource of a sealed request: the last sequence that its recorder had assigned when the request was sealed.',
    example: 42,
    stability: 'stable',
  },
  'turnlog.recorder.last_sequence': {
    type: 'int',
    unit: '{record}',
    meaning: 'On `session.end`: the recorder’s last sequence, which is that of this record.',
    example: 42,
    stability: 'stable',
  },
  'turnlog.abandoned': {
    type: 'boolean',
    meaning:
      'The recorder died before the record ended. The process that adopted the recorder ended the record, at the recorder’s last sign of life.',
    example: true,
    stability: 'stable',
  },
  'turnlog.exit_code': {
    type: 'int',
    meaning: 'On `session.end`: the exit code of the app.',
    example: 0,
    stability: 'stable',
  },
  'turnlog.turn.id': {
    type: 'string',
    meaning: 'On a plain event: the client’s id of the turn.',
    example: 't-1',
    stability: 'stable',
  },
  'turnlog.turn.transport': {
    type: 'string',
    meaning:
      'How the turn arrived: `rest` or `websocket`; absent when this is not known, as in an app without a server.',
    example: 'rest',
    stability: 'stable',
  },
  'turnlog.turn.outcome': {
    type: 'string',
    meaning:
      'How the turn ended: `completed`, `failed`, `aborted` (the client left) or `abandoned` (the process died).',
    example: 'completed',
    stability: 'stable',
  },
  'turnlog.usage.is_sum': {
    type: 'boolean',
    meaning:
      'The token counts of this span are the sums of its model calls. Do not add them to the counts of those.',
    example: true,
    stability: 'stable',
  },
  'turnlog.model_call.attempt': {
    type: 'int',
    unit: '{request}',
    meaning: 'How many requests the SDK sent for this model call; absent when it sent one.',
    example: 2,
    stability: 'development',
  },
  'turnlog.tool_call.inferred': {
    type: 'boolean',
    meaning:
      'The call was inferred from the messages. It starts when the model has requested it and ends when the model receives the result, so its duration is an upper bound. `false`: it was inferred first, and the app then reported it.',
    example: true,
    stability: 'stable',
  },
  'turnlog.tool_call.unfinished': {
    type: 'boolean',
    meaning: 'The result of this call was never sent to the model.',
    example: true,
    stability: 'stable',
  },
  'turnlog.file_operation.id': {
    type: 'string',
    meaning: 'The operation’s id: the same in the trace, in the Changes list and in decisions.',
    example: '5f8c6a1e-9d0b-4a3c-8a52-0c7f7f0d7a11',
    stability: 'stable',
  },
  'turnlog.file_operation.type': {
    type: 'string',
    meaning:
      '`create`, `write`, `edit`, `delete` or `rename`, as the disk shows it. `write` only when the bytes stayed the same, or the content before is not known.',
    example: 'edit',
    stability: 'stable',
  },
  'turnlog.file_operation.source': {
    type: 'string',
    meaning: 'How the operation was observed: `fs`, `process` or `api`.',
    example: 'fs',
    stability: 'stable',
  },
  'turnlog.file_operation.previous_path': {
    type: 'string',
    meaning: 'On a rename: the file’s path before.',
    example: 'old.txt',
    stability: 'stable',
  },
  'turnlog.file_operation.before': {
    type: 'content',
    meaning: 'The file’s content before; absent when there was no file.',
    example: 'hello\n',
    stability: 'stable',
  },
  'turnlog.file_operation.after': {
    type: 'content',
    meaning: 'The file’s content after; absent when there is no file.',
    example: 'hello world\n',
    stability: 'stable',
  },
  'turnlog.file_operation.overwritten': {
    type: 'content',
    meaning: 'On a rename over an existing file: the content of that file.',
    example: 'old\n',
    stability: 'stable',
  },
  'turnlog.file_operation.diff': {
    type: 'content',
    meaning: 'The unified diff from before to after.',
    example: '--- a/hello.txt\n+++ b/hello.txt\n@@ -1 +1 @@\n-hello\n+hello world\n',
    stability: 'stable',
  },
  'turnlog.file_operation.diff.whole_file': {
    type: 'boolean',
    meaning:
      'The diff is one hunk over the whole file, because a smaller one would have taken too long.',
    example: true,
    stability: 'stable',
  },
  'turnlog.file_operation.diff.by_receiver': {
    type: 'boolean',
    meaning:
      'The receiver made the diff and the counts of lines from before and after, because the client sent neither.',
    example: true,
    stability: 'stable',
  },
  'turnlog.file_operation.lines_added': {
    type: 'int',
    unit: '{line}',
    meaning: 'Lines added, by the diff; absent where the content is not text.',
    example: 1,
    stability: 'stable',
  },
  'turnlog.file_operation.lines_removed': {
    type: 'int',
    unit: '{line}',
    meaning: 'Lines removed, by the diff; absent where the content is not text.',
    example: 1,
    stability: 'stable',
  },
  'turnlog.file_operation.binary': {
    type: 'boolean',
    meaning: 'Before or after is not text: it has a NUL or is not UTF-8.',
    example: false,
    stability: 'stable',
  },
  'turnlog.file_operation.outside_workspace': {
    type: 'boolean',
    meaning: 'The file is outside of the workspace: only path, hashes and sizes are recorded.',
    example: true,
    stability: 'stable',
  },
  'turnlog.file_operation.shared': {
    type: 'boolean',
    meaning: 'More than one open tool call could have caused the operation.',
    example: true,
    stability: 'stable',
  },
  'turnlog.decision.type': {
    type: 'string',
    meaning: '`accept`, `reject` or `revert`.',
    example: 'revert',
    stability: 'stable',
  },
  'turnlog.decision.source': {
    type: 'string',
    meaning: 'Who decided: `user`, `auto` or `policy`.',
    example: 'user',
    stability: 'stable',
  },
  'turnlog.decision.reason': {
    type: 'string',
    meaning: 'The reason, in the words of the person or policy that decided.',
    example: 'wrong file',
    stability: 'stable',
  },
  'turnlog.decision.outcome': {
    type: 'string',
    meaning:
      'The effect on disk: `kept`, `restored`, `restored_with_later_edits`, `conflict` or `missing`.',
    example: 'restored',
    stability: 'stable',
  },
  'turnlog.decision.result.sha256': {
    type: 'string',
    meaning: 'The hash of the file after the decision; absent when there is no file.',
    example: 'sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae',
    stability: 'stable',
  },
  'turnlog.decision.elapsed': {
    type: 'double',
    unit: 's',
    meaning: 'The time from the operation to the decision.',
    example: 12.5,
    stability: 'stable',
  },
  'turnlog.error.origin': {
    type: 'string',
    meaning:
      'Where an error surfaced: `uncaught_exception`, `unhandled_rejection`, `framework` or `tool`.',
    example: 'uncaught_exception',
    stability: 'stable',
  },
  'turnlog.error.context': {
    type: 'content',
    meaning: 'What the app was doing when an error surfaced, in the client’s words or as JSON.',
    example: '{"phase":"startup"}',
    stability: 'stable',
  },
  'turnlog.duration.unknown': {
    type: 'boolean',
    meaning: 'The duration is not known: the span ends when it starts.',
    example: true,
    stability: 'stable',
  },
  'turnlog.event.id': {
    type: 'string',
    meaning: 'On a plain event: the client’s id of the event.',
    example: 'e-4711',
    stability: 'stable',
  },
  'turnlog.event.members': {
    type: 'json',
    meaning:
      'The members of a plain event that no table defines, when there are more than 64. Otherwise each is an attribute `turnlog.event.member.` and its name.',
    example: '{"region":"eu"}',
    stability: 'stable',
  },
  'turnlog.dialect': {
    type: 'string',
    meaning:
      'The span came with the names of another convention, `openinference`, `openllmetry` or `vercel_ai`; the receiver has added the GenAI names.',
    example: 'openinference',
    stability: 'development',
  },
  'turnlog.content.sha256': {
    type: 'string',
    meaning:
      'On `turnlog.content`: the hash of the whole content, `sha256:` and 64 hex digits, of its (redacted) bytes.',
    example: 'sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae',
    stability: 'stable',
  },
  'turnlog.content.size': {
    type: 'int',
    unit: 'By',
    meaning: 'On `turnlog.content`: the size of the whole content.',
    example: 5242880,
    stability: 'stable',
  },
  'turnlog.content.media_type': {
    type: 'string',
    meaning:
      'On `turnlog.content`: `text/plain; charset=utf-8`, `application/json` or `application/octet-stream`.',
    example: 'text/plain; charset=utf-8',
    stability: 'stable',
  },
  'turnlog.content.part': {
    type: 'int',
    unit: '{part}',
    meaning: 'On `turnlog.content`: the number of the part that is the body, from 1.',
    example: 1,
    stability: 'stable',
  },
  'turnlog.content.parts': {
    type: 'int',
    unit: '{part}',
    meaning: 'On `turnlog.content`: how many parts the content has.',
    example: 5,
    stability: 'stable',
  },
  'turnlog.log.body': {
    type: 'content',
    meaning:
      'The body of a log record, when it is too large for the record: only `turnlog.log.body.ref` and `.size` appear, and the body is empty.',
    example: 'a long text',
    stability: 'development',
  },
  'turnlog.drop.first_sequence': {
    type: 'int',
    unit: '{record}',
    meaning: 'The first sequence of a declared drop.',
    example: 7,
    stability: 'stable',
  },
  'turnlog.drop.last_sequence': {
    type: 'int',
    unit: '{record}',
    meaning: 'The last sequence of a declared drop.',
    example: 9,
    stability: 'stable',
  },
  'turnlog.drop.reason': {
    type: 'string',
    meaning:
      'Why the records were dropped: `journal_unwritable`, `journal_corrupt`, `record_too_large`, `record_unsealable`, `export_failed` (OpenTelemetry’s exporter failed), `lost_in_transit`.',
    example: 'journal_unwritable',
    stability: 'stable',
  },
} as const satisfies Record<string, AttributeDefinition>
