/**
 * An attachment and the event that refers to it may arrive in any order, on different days, or at once. In the end the views
 * have the content, and a client need not care about the order.
 */

import { createHash, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { post, span, traceRequest } from '../../../test/support/otlp.ts'
import { sendEvents } from '../../../test/support/plain-events.ts'
import { withReceiver } from '../../../test/support/receiver.ts'

const { database, receiver } = await withReceiver()

function refOf(content: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}

async function attach(
  content: string | Uint8Array,
  query = '',
): Promise<{ status: string; days: string[] }> {
  const answer = await fetch(
    `${receiver.url}/api/v1/attachments?sha256=${refOf(content)}${query}`,
    {
      method: 'POST',
      headers: { authorization: `Bearer ${receiver.token}` },
      body: Buffer.from(content),
    },
  )
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
  return answer.json() as Promise<{ status: string; days: string[] }>
}

const dayMilliseconds = 86_400_000
const ago = (days: number) => new Date(Date.now() - days * dayMilliseconds)
const dayOf = (date: Date) => date.toISOString().slice(0, 10)

function fileOperation(opId: string, members: object, at = new Date()): object {
  const common = { type: 'FileOperation', opType: 'edit', path: 'a', opId }
  return { ...common, timestamp: at.toISOString(), ...members }
}

async function operation(opId: string): Promise<Record<string, unknown> | undefined> {
  const [row] = await database.query<Record<string, unknown>>(
    'select * from file_operations where operation_id = $1',
    [opId],
  )
  return row
}

test('the attachment first, then the event', async () => {
  const content = `first ${randomBytes(8).toString('hex')}`
  await attach(content)
  await sendEvents(receiver, fileOperation('o-first', { beforeContent: { ref: refOf(content) } }))
  expect(await operation('o-first')).toMatchObject({
    before: content,
    before_sha256: refOf(content),
    before_size: null,
    after: null,
  })
})

test('the event first, then the attachment; until then the content is null', async () => {
  const content = `later ${randomBytes(8).toString('hex')}`
  const reference = { ref: refOf(content), size: content.length }
  await sendEvents(receiver, fileOperation('o-later', { afterContent: reference }))
  expect(await operation('o-later')).toMatchObject({
    after: null,
    after_bytes: null,
    after_sha256: refOf(content),
    after_size: content.length,
  })
  await attach(content)
  expect(await operation('o-later')).toMatchObject({ after: content })
})

test.each([
  ['first', true],
  ['later', false],
])('days apart, the attachment %s', async (name, isFirst) => {
  const content = `days apart ${name} ${randomBytes(8).toString('hex')}`
  const send = () =>
    sendEvents(receiver, [
      fileOperation(`o-${name}-9`, { beforeContent: { ref: refOf(content) } }, ago(9)),
      fileOperation(`o-${name}-5`, { beforeContent: { ref: refOf(content) } }, ago(5)),
    ])
  if (isFirst) {
    expect((await attach(content)).days).toEqual([dayOf(new Date())])
    await send()
  } else {
    await send()
    // The day that awaits it, and today, for later references.
    expect((await attach(content)).days).toEqual([dayOf(ago(9)), dayOf(ago(5)), dayOf(new Date())])
  }
  for (const days of [9, 5]) {
    expect(await operation(`o-${name}-${days}`)).toMatchObject({ before: content })
  }
  expect((await attach(content)).status).toBe('duplicate')
})

test('an attachment with a named day lands on that day only, and events of other days find it', async () => {
  const content = `named ${randomBytes(8).toString('hex')}`
  expect(await attach(content, `&day=${dayOf(ago(3))}`)).toMatchObject({ days: [dayOf(ago(3))] })
  await sendEvents(receiver, fileOperation('o-named', { beforeContent: { ref: refOf(content) } }))
  expect(await operation('o-named')).toMatchObject({ before: content })
})

test('every content of every event may be a reference', async () => {
  const contents = Object.fromEntries(
    ['prompt', 'answer', 'arguments', 'result', 'before', 'after', 'diff', 'context'].map(
      (name) => [name, `${name} ${randomBytes(8).toString('hex')}`],
    ),
  )
  const ref = (name: string) => ({ ref: refOf(contents[name] ?? '') })
  const common = { sessionId: 's-refs', turnId: 't', timestamp: Date.now() }
  await sendEvents(receiver, [
    { ...common, type: 'ChatTurn', userPrompt: ref('prompt'), assistantFinal: ref('answer') },
    { ...common, type: 'ToolCall', toolName: 'x', args: ref('arguments'), result: ref('result') },
    {
      ...common,
      type: 'FileOperation',
      opId: 'o-refs',
      opType: 'edit',
      path: 'a',
      beforeContent: ref('before'),
      afterContent: ref('after'),
      unifiedDiff: ref('diff'),
    },
    { ...common, type: 'Error', message: 'm', context: ref('context') },
  ])
  for (const content of Object.values(contents)) await attach(content)
  const [row] = await database.query(
    `select t.prompt, t.answer, c.arguments, c.result, f.before, f.after, f.diff,
            turnlog_text(l.team_id, turnlog_day(l.time), l.attributes -> 'turnlog.error.context') as context
       from turns t
       join tool_calls c using (team_id, trace_id)
       join file_operations f using (team_id, trace_id)
       join log_records l using (team_id, trace_id)
      where t.session_id = 's-refs'`,
  )
  expect(row).toEqual(contents)
})

test('a content that is not text is read as bytes', async () => {
  const content = randomBytes(2_000)
  await sendEvents(receiver, fileOperation('o-bytes', { beforeContent: { ref: refOf(content) } }))
  await attach(content)
  expect(await operation('o-bytes')).toMatchObject({ before: null, before_bytes: content })
})

test('OTLP may refer to attachments too, also inside messages', async () => {
  const content = `in messages ${randomBytes(8).toString('hex')}`
  const messages = JSON.stringify([
    { role: 'user', parts: [{ type: 'text', 'content.ref': refOf(content) }] },
  ])
  const attributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.input.messages': messages,
    'session.id': 's-otlp',
  }
  await attach(content, `&day=${dayOf(ago(2))}`)
  await post(receiver, 'traces', traceRequest([span(attributes)]))
  const [call] = await database.query<{ input_messages: string }>(
    `select input_messages from model_calls where session_id = 's-otlp'`,
  )
  expect(JSON.parse(call?.input_messages ?? '')).toEqual([
    { role: 'user', parts: [{ type: 'text', content }] },
  ])
})

test('teams do not find each other’s attachments', async () => {
  const content = `of a team ${randomBytes(8).toString('hex')}`
  await attach(content)
  await database.query(
    `update attachment_days set team_id = 'other' where sha256 = decode($1, 'hex')`,
    [refOf(content).slice(7)],
  )
  await database.query(`update contents set team_id = 'other' where sha256 = decode($1, 'hex')`, [
    refOf(content).slice(7),
  ])
  await sendEvents(receiver, fileOperation('o-team', { beforeContent: { ref: refOf(content) } }))
  expect(await operation('o-team')).toMatchObject({ before: null })
})

test('attachments and events that arrive at once find each other', async () => {
  const contents = Array.from(
    { length: 40 },
    (_, index) => `${index} ${randomBytes(8).toString('hex')}`,
  )
  await Promise.all([
    ...contents.map((content) => attach(content)),
    ...contents.map((content, index) =>
      sendEvents(
        receiver,
        fileOperation(
          `o-meet-${index}`,
          { beforeContent: { ref: refOf(content) } },
          ago(index % 5),
        ),
      ),
    ),
  ])
  for (const [index, content] of contents.entries()) {
    expect(await operation(`o-meet-${index}`)).toMatchObject({ before: content })
  }
})
