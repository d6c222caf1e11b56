/** Turnlog's own attributes, for what OpenTelemetry has no name. They are stable, unless it says `development`. */
import { development, stable } from './definition.ts'

const { string, strings, int, double, boolean, json, content } = stable

export const turnlogAttributes = {
  'turnlog.schema.version': string('The version of these names.', '1'),
  'turnlog.capture.mode': string('What is captured: `full`, `no_files` or `metadata`.', 'full'),
  'turnlog.sequence': int(
    'The record’s number: 1, 2, 3 … per recorder, in the order of recording.',
    17,
    '{record}',
  ),
  'turnlog.recorder.recorded_through': int(
    'On the resource of a sealed request: the last sequence that its recorder had assigned when the request was sealed.',
    42,
    '{record}',
  ),
  'turnlog.recorder.last_sequence': int(
    'On `session.end`: the recorder’s last sequence, which is that of this record.',
    42,
    '{record}',
  ),
  'turnlog.abandoned': boolean(
    'The recorder died before the record ended. The process that adopted the recorder ended the record, at the recorder’s last sign of life.',
    true,
  ),
  'turnlog.exit_code': int('On `session.end`: the exit code of the app.', 0),
  'turnlog.turn.id': string('On a plain event: the client’s id of the turn.', 't-1'),
  'turnlog.turn.transport': string(
    'How the turn arrived: `rest` or `websocket`; absent when this is not known, as in an app without a server.',
    'rest',
  ),
  'turnlog.turn.outcome': string(
    'How the turn ended: `completed`, `failed`, `aborted` (the client left, a signal such as Ctrl-C ended the app, or the app stopped the last model call), `abandoned` (the process died) or `waiting` (its answer asked for tool calls that nobody has run).',
    'completed',
  ),
  'turnlog.turn.inferred': boolean(
    'The turn came in on no server, and the app did not declare it. It begins with the first model call that asks what the user wrote, and ends with an answer that asks for no tool, or with the next text of the user.',
    true,
  ),
  'turnlog.link.type': development.string(
    'On a link of a turn’s span: what the other span is. `previous_turn`: the earlier turn that this one goes on from, in the same conversation. `caller`: the span of whoever sent the request (`traceparent`), or one that the app had open when the turn began. A turn of which the app repeats nothing, or whose earlier turn was in another process, has no link to it; `gen_ai.conversation.id` joins those.',
    'previous_turn',
  ),
  'turnlog.usage.is_sum': boolean(
    'The token counts of this span are the sums of its model calls. Do not add them to the counts of those.',
    true,
  ),
  'turnlog.model_call.attempt': development.int(
    'How many requests the SDK sent for this model call; absent when it sent one.',
    2,
    '{request}',
  ),
  'turnlog.model_call.not_understood': strings(
    'What has come whole and has no form of its API that is known: `request`, `answer`. It is recorded as one text, as it was on the wire. What else the call may say (tokens, tool calls, finish reason) is unknown then; that is no error.',
    '["answer"]',
  ),
  'turnlog.tool_call.inferred': boolean(
    'The call was inferred from the messages. It starts when the model has requested it and ends when the model receives the result, so its duration is an upper bound. `false`: it was inferred first, and the app then reported it.',
    true,
  ),
  'turnlog.tool_call.unfinished': boolean(
    'The result of this call was never sent to the model.',
    true,
  ),
  'turnlog.tool_call.waited': double(
    'How long the call was not run because a person was asked; part of its duration.',
    12.5,
    's',
  ),
  'turnlog.waiting': boolean(
    'The turn or tool call waited for a person when it was recorded. It may go on: its end then replaces this record.',
    true,
  ),
  'turnlog.file_operation.id': string(
    'The operation’s id: the same in the trace, in the Changes list and in decisions.',
    '5f8c6a1e-9d0b-4a3c-8a52-0c7f7f0d7a11',
  ),
  'turnlog.file_operation.type': string(
    '`create`, `write`, `edit`, `delete` or `rename`, as the disk shows it. `write` only when the bytes stayed the same, or it is not known whether they did.',
    'edit',
  ),
  'turnlog.file_operation.source': string(
    'How the operation was observed: `fs` (a call of `node:fs`), `process` (the workspace was compared: a child process, or native code of the app such as SQLite, changed the file) or `api`.',
    'fs',
  ),
  'turnlog.file_operation.previous_path': string('On a rename: the file’s path before.', 'old.txt'),
  'turnlog.file_operation.before': content(
    'The file’s content before; absent when there was no file.',
    'hello\n',
  ),
  'turnlog.file_operation.after': content(
    'The file’s content after; absent when there is no file.',
    'hello world\n',
  ),
  'turnlog.file_operation.overwritten': content(
    'On a rename over an existing file: the content of that file.',
    'old\n',
  ),
  'turnlog.file_operation.diff': content(
    'The unified diff from before to after.',
    '--- a/hello.txt\n+++ b/hello.txt\n@@ -1 +1 @@\n-hello\n+hello world\n',
  ),
  'turnlog.file_operation.diff.whole_file': boolean(
    'The diff is one hunk over the whole file, because a smaller one would have taken too long.',
    true,
  ),
  'turnlog.file_operation.diff.by_receiver': boolean(
    'The receiver made the diff and the counts of lines from before and after, because the client sent neither.',
    true,
  ),
  'turnlog.file_operation.lines_added': int(
    'Lines added, by the diff; absent where the content is not text.',
    1,
    '{line}',
  ),
  'turnlog.file_operation.lines_removed': int(
    'Lines removed, by the diff; absent where the content is not text.',
    1,
    '{line}',
  ),
  'turnlog.file_operation.binary': boolean(
    'Before or after is not text: it has a NUL or is not UTF-8.',
    false,
  ),
  'turnlog.file_operation.outside_workspace': boolean(
    'The file is outside of the workspace: only path, hashes and sizes are recorded.',
    true,
  ),
  'turnlog.file_operation.shared': boolean(
    'More than one open tool call, or somebody else in the meantime, could have caused the operation.',
    true,
  ),
  'turnlog.file_operation.open': boolean(
    'The file was still open for writing when the turn or the process ended: `after` is its content then.',
    true,
  ),
  'turnlog.file_operation.merged': int(
    'How many other operations this one stands for: they overlapped, and the states between them cannot be known.',
    1,
    '{operation}',
  ),
  'turnlog.file_operations.left_out': int(
    'Of a tool call or a turn: how many file operations were not recorded, on purpose or at a limit.',
    12,
    '{operation}',
  ),
  'turnlog.file_operations.left_out.reasons': strings(
    'Why they were not recorded: `ignored` (in `.git`, `node_modules` or a folder of Turnlog), `opened_before` (written through a descriptor that was opened outside of any turn), `folder_limit` (a call on a folder of more files than are looked at), `name_not_utf8` (a name whose bytes are not UTF-8), `outside_unnamed` (outside the workspace, in a turn without a server, and named by no argument of a tool call).',
    '["ignored"]',
  ),
  'turnlog.agent.in_turn': boolean(
    'On a span of a library: the agent worked in a turn of the app, and its span is not a turn itself.',
    true,
  ),
  'turnlog.repeated_operation': string(
    'On a span of a library: the operation that it tells of, such as `chat`. Another span of the turn records it, so this one has no `gen_ai.operation.name` and is not counted.',
    'chat',
  ),
  'turnlog.turn.ambiguous': boolean(
    'The model call was made in the context of a turn that it is not about, and it is not known which turn it is about: it belongs to none.',
    true,
  ),
  'turnlog.process.id': int(
    'The number of a child process, among those that its recorder has observed: the same in `turnlog.process.started` and `turnlog.process.ended`.',
    3,
  ),
  'turnlog.process.command': content(
    'The command line of a child process: the program and its arguments.',
    '/bin/sh -c npm test',
  ),
  'turnlog.process.signal': string(
    'The signal that ended the child process. On a turn: the signal after which the app exited while the turn was open.',
    'SIGTERM',
  ),
  'turnlog.process.duration': double('How long the child process ran.', 1.5, 's'),
  'turnlog.process.files_changed': int(
    'How many file operations of the child process were recorded.',
    2,
    '{file}',
  ),
  'turnlog.process.files_compared': int(
    'How many files of the workspace were compared after the child process.',
    812,
    '{file}',
  ),
  'turnlog.process.files_not_compared': int(
    'How many files the comparison left out, or found changed and did not record one by one. Files in excluded folders are not counted.',
    3,
    '{file}',
  ),
  'turnlog.process.not_compared': json(
    'How many files were left out, by reason: `gitignored`, `database_side_file` (the log, index or journal of a SQLite database), `not_a_file` (a link, a socket, a pipe, a device), `unreadable`, `name_not_utf8`, `files_limit`, `time_limit`, `changes_limit`.',
    '{"gitignored":3}',
  ),
  'turnlog.process.excluded_folders': strings(
    'Folders that were not compared, relative to the workspace; the first twenty. “No change” means: none outside of these.',
    'node_modules',
  ),
  'turnlog.process.changed_by_others': int(
    'How many files changed outside of the lives of all child processes, since the look before: by the app itself, an editor, a person.',
    1,
    '{file}',
  ),
  'turnlog.process.partial': boolean(
    'The comparison hit a limit, or the workspace had not been looked at when the child process started: files may have changed that no record names.',
    false,
  ),
  'turnlog.process.look_age': double(
    'How long before the start of the child process the workspace was last looked at; 0: at its start. A file that somebody else made, changed or removed in between, and the child process too, may be recorded without its content before, or not at all.',
    0,
    's',
  ),
  'turnlog.process.not_compared_reason': string(
    'Why nothing is known of the files that a child process changed: `process_exit` (the app ended before the comparison did), `comparison_failed`, `children_limit` (too many at one time), `outlived_turn` (it lived more than ten minutes longer than its turn; until the turn’s end it was compared), `worker_thread` (a worker thread of the app started it).',
    'process_exit',
  ),
  'turnlog.decision.type': string('`accept`, `reject` or `revert`.', 'revert'),
  'turnlog.decision.source': string('Who decided: `user`, `auto` or `policy`.', 'user'),
  'turnlog.decision.reason': string(
    'The reason, in the words of the person or policy that decided.',
    'wrong file',
  ),
  'turnlog.decision.outcome': string(
    'The effect on disk: `kept`, `restored`, `restored_with_later_edits`, `conflict` or `missing`.',
    'restored',
  ),
  'turnlog.decision.result.sha256': string(
    'The hash of the file after the decision; absent when there is no file.',
    'sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae',
  ),
  'turnlog.decision.elapsed': double('The time from the operation to the decision.', 12.5, 's'),
  'turnlog.aborted': boolean(
    'The model call, tool call or step was stopped by the app or its user before its end. That is no error.',
    true,
  ),
  'turnlog.error.repeated': boolean(
    'The turn or step failed because of something that another record of the trace tells of, such as its model call or an exception: that record counts as the error, and this one does not.',
    true,
  ),
  'turnlog.error.origin': string(
    'Where an error surfaced: `uncaught_exception`, `unhandled_rejection`, `framework` or `tool`.',
    'uncaught_exception',
  ),
  'turnlog.error.context': content(
    'What the app was doing when an error surfaced, in the client’s words or as JSON.',
    '{"phase":"startup"}',
  ),
  'turnlog.duration.unknown': boolean(
    'The duration is not known: the span ends when it starts.',
    true,
  ),
  'turnlog.event.id': string('On a plain event: the client’s id of the event.', 'e-4711'),
  'turnlog.event.members': json(
    'The members of a plain event that no table defines, when there are more than 64. Otherwise each is an attribute `turnlog.event.member.` and its name.',
    '{"region":"eu"}',
  ),
  'turnlog.dialect': development.string(
    'The span came with the names of another convention, `openinference`, `openllmetry` or `vercel_ai`; the receiver has added the GenAI names.',
    'openinference',
  ),
  'turnlog.content.sha256': string(
    'On `turnlog.content`: the hash of the whole content, `sha256:` and 64 hex digits, of its (redacted) bytes.',
    'sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae',
  ),
  'turnlog.content.size': int(
    'On `turnlog.content`: the size of the whole content.',
    5242880,
    'By',
  ),
  'turnlog.content.media_type': string(
    'On `turnlog.content`: `text/plain; charset=utf-8`, `application/json` or `application/octet-stream`.',
    'text/plain; charset=utf-8',
  ),
  'turnlog.content.part': int(
    'On `turnlog.content`: the number of the part that is the body, from 1.',
    1,
    '{part}',
  ),
  'turnlog.content.parts': int(
    'On `turnlog.content`: how many parts the content has.',
    5,
    '{part}',
  ),
  'turnlog.log.body': development.content(
    'The body of a log record, when it is too large for the record: only `turnlog.log.body.ref` and `.size` appear, and the body is empty.',
    'a long text',
  ),
  'turnlog.unseen.reason': development.string(
    'What was not recorded: `model_traffic` (requests that look like calls of a model API, and are of none that is understood), `model_call_bytes` (model calls whose answer was not seen), `ambiguous_model_call` (model calls of which it is not known which turn they belong to), `agent_child` (agents that the app has started as child processes, and whose model and tool calls only they know), `workspace_change` (files that were changed, or child processes that were not compared), `failed_step` (a step of Turnlog itself failed).',
    'model_traffic',
  ),
  'turnlog.unseen.count': development.int(
    'How many requests, model calls, agents, files, child processes or failures came since the last record of the same recorder with the same reason, address and explanation.',
    3,
  ),
  'turnlog.unseen.why': development.string(
    'How it was noticed. Of `model_traffic`: `request_body`, `answer_body`, `event_stream` or `websocket`. Of `agent_child`: `claude` or `codex`. Of `workspace_change`: `outside_turn` (files that the app changed outside of any turn, after its first request to a model), `opened_before`, `folder_limit` or `name_not_utf8` (as in `turnlog.file_operations.left_out.reasons`), a value of `turnlog.process.not_compared_reason`, or `changes_limit`. Of `failed_step`: the step. `others`: the rest, after the first hundred that differ.',
    'event_stream',
  ),
  'turnlog.self_check.bound': development.strings(
    'On `session.start` and `turnlog.self_check`: the parts of the app that are observed.',
    '["fs","http_servers"]',
  ),
  'turnlog.self_check.not_bound': development.json(
    'The parts that are not observed, each with the reason; absent when there are none.',
    '{"child_processes":"switched_off"}',
  ),
  'turnlog.self_check.versions': development.json(
    'Versions, by name: Node, undici, Turnlog, OpenTelemetry’s API, and packages of the app that speak to models.',
    '{"node":"24.5.0","openai":"6.1.0"}',
  ),
  'turnlog.drop.first_sequence': int('The first sequence of a declared drop.', 7, '{record}'),
  'turnlog.drop.last_sequence': int('The last sequence of a declared drop.', 9, '{record}'),
  'turnlog.drop.reason': string(
    'Why the records were dropped: `journal_unwritable`, `journal_removed`, `journal_corrupt`, `record_too_large`, `record_unsealable`, `export_failed` (OpenTelemetry’s exporter failed), `lost_in_transit`.',
    'journal_unwritable',
  ),
}
