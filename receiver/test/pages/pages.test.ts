import { createSignInLink } from '@turnlog/receiver/storage'
import { expect, test } from 'vitest'
import { contentHash, contentParts } from '../../../test/support/content-parts.ts'
import {
  type Attributes,
  log,
  logsRequest,
  nanoseconds,
  newSpanId,
  newTraceId,
  post,
  span,
  toAttributes,
  traceRequest,
} from '../../../test/support/otlp.ts'
import { eventsOfTurn, sendEvents } from '../../../test/support/plain-events.ts'
import { withReceiver } from '../../../test/support/receiver.ts'

const { database, receiver } = await withReceiver()
const cookie = await signIn()

async function signIn(): Promise<string> {
  const link = await createSignInLink(database, { baseUrl: receiver.url })
  const answer = await fetch(link, { redirect: 'manual' })
  return answer.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
}

async function read(path: string): Promise<{ status: number; text: string; headers: Headers }> {
  const answer = await fetch(`${receiver.url}${path}`, { headers: { cookie } })
  return { status: answer.status, text: await answer.text(), headers: answer.headers }
}

const evil = '<script>alert("x")</script>&\'"'

/** A turn with records of every kind; all their texts are hostile. */
async function landTurn(prompt: string): Promise<string> {
  const traceId = newTraceId()
  const [root, tool, file] = [newSpanId(), newSpanId(), newSpanId()]
  const messages = (role: string, content: string) =>
    JSON.stringify([{ role, parts: [{ type: 'text', content }] }])
  const resource = { 'service.name': evil, 'service.instance.id': 'r-1', 'session.id': 's-1' }
  await post(
    receiver,
    'traces',
    traceRequest(
      [
        span(
          {
            'gen_ai.operation.name': 'invoke_agent',
            'gen_ai.input.messages': messages('user', prompt),
            'gen_ai.output.messages': messages('assistant', `answer ${evil}`),
            'turnlog.sequence': 1,
          },
          { traceId, spanId: root },
        ),
        span(
          {
            'gen_ai.operation.name': 'chat',
            'gen_ai.request.model': evil,
            'gen_ai.input.messages': messages('user', `sent ${evil}`),
            'gen_ai.output.messages': messages('assistant', `got ${evil}`),
            'gen_ai.system_instructions': evil,
            'error.type': evil,
          },
          { traceId, parentSpanId: root },
        ),
        span(
          {
            'gen_ai.operation.name': 'execute_tool',
            'gen_ai.tool.name': 'write_file',
            'gen_ai.tool.call.arguments': JSON.stringify({ path: evil }),
            'gen_ai.tool.call.result': `result ${evil}`,
          },
          { traceId, spanId: tool, parentSpanId: root },
        ),
        span(
          {
            'turnlog.file_operation.id': '5f8c6a1e-9d0b-4a3c-8a52-0c7f7f0d7a11',
            'turnlog.file_operation.type': 'edit',
            'file.path': `dir/${evil}`,
            'turnlog.file_operation.before': 'old\n',
            'turnlog.file_operation.after': Buffer.from([0, 1]),
            'turnlog.file_operation.diff': `--- a\n+++ b\n@@ -1 +1 @@\n-old\n+${evil}\n`,
          },
          { traceId, spanId: file, parentSpanId: tool },
        ),
      ],
      resource,
    ),
  )
  await post(
    receiver,
    'logs',
    logsRequest(
      [
        log(
          {
            'turnlog.decision.type': 'revert',
            'turnlog.decision.reason': `reason ${evil}`,
            'turnlog.file_operation.id': '5f8c6a1e-9d0b-4a3c-8a52-0c7f7f0d7a11',
          },
          { traceId, spanId: file, eventName: 'turnlog.change.decision' },
        ),
        log(
          { 'exception.type': 'TypeError', 'exception.message': `message ${evil}` },
          { traceId, eventName: 'exception' },
        ),
      ],
      resource,
    ),
  )
  return traceId
}

test('a link signs in once', async () => {
  const link = await createSignInLink(database, { baseUrl: receiver.url })
  const head = await fetch(link, { method: 'HEAD', redirect: 'manual' })
  expect(head.status).toBe(404)
  const first = await fetch(link, { redirect: 'manual' })
  expect([first.status, first.headers.get('location')]).toEqual([303, '/'])
  expect(first.headers.get('set-cookie')).toMatch(/^turnlog_session=\S+; .*HttpOnly; SameSite=Lax$/)
  const second = await fetch(link, { redirect: 'manual' })
  expect([second.status, second.headers.get('set-cookie')]).toEqual([401, null])
  const again = await fetch(link, { redirect: 'manual', headers: { cookie } })
  expect(again.status).toBe(303)
})

test('an expired link signs in no more', async () => {
  const link = await createSignInLink(database, { baseUrl: receiver.url })
  await database.query(`update sign_in_links set expires_at = now() where used_at is null`)
  expect((await fetch(link, { redirect: 'manual' })).status).toBe(401)
})

test.each([
  '/',
  '/sessions',
  `/turns/${newTraceId()}`,
  `/turns/${newTraceId()}/${newSpanId()}/diff`,
  '/sign-in',
])('%s says how to sign in to who is not signed in', async (path) => {
  for (const headers of [{}, { cookie: 'turnlog_session=wrong' }]) {
    const answer = await fetch(`${receiver.url}${path}`, { headers })
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      401,
      'text/html; charset=utf-8',
    ])
    expect(await answer.text()).toContain('npx @turnlog/receiver link')
  }
})

test('a turn’s page says which processes ran, and how far their files are known', async () => {
  const traceId = newTraceId()
  const [root, tool] = [newSpanId(), newSpanId()]
  const resource = { 'service.name': 'app', 'service.instance.id': 'r-process' }
  await post(
    receiver,
    'traces',
    traceRequest(
      [
        span({ 'gen_ai.operation.name': 'invoke_agent' }, { traceId, spanId: root }),
        span(
          { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'bash' },
          { traceId, spanId: tool, parentSpanId: root },
        ),
      ],
      resource,
    ),
  )
  const started = (id: number) =>
    log(
      { 'turnlog.process.id': id, 'process.executable.name': 'sh' },
      { traceId, spanId: tool, eventName: 'turnlog.process.started' },
    )
  const ended = log(
    {
      'turnlog.process.id': 1,
      'process.executable.name': 'sh',
      'turnlog.process.command': `sh -c ${evil}`,
      'process.exit.code': 3,
      'turnlog.process.files_changed': 2,
      'turnlog.process.files_not_compared': 5,
      'turnlog.process.partial': false,
    },
    { traceId, spanId: tool, eventName: 'turnlog.process.ended' },
  )
  await post(receiver, 'logs', logsRequest([started(1), started(2), ended], resource))
  const { text } = await read(`/turns/${traceId}`)
  expect(text).toContain('A process ran: <b>sh</b>, exit code 3; 2 files changed, 5 not compared.')
  expect(text).toContain('A process ran: <b>sh</b>; files not compared (end not recorded).')
  expect(text).not.toContain('<script>alert')
  const rows = await database.query(
    `select processes, process_files_changed, process_files_not_compared from tool_calls where trace_id = '${traceId}'`,
  )
  expect(rows).toEqual([{ processes: 2, process_files_changed: 2, process_files_not_compared: 5 }])
})

test('a turn’s page holds all of it, every text escaped', async () => {
  const traceId = await landTurn(`prompt ${evil}`)
  const { status, text } = await read(`/turns/${traceId}`)
  expect(status).toBe(200)
  expect(text).not.toContain('<script')
  for (const part of ['prompt', 'answer', 'sent', 'got', 'result', 'reason', 'message']) {
    expect(text).toContain(
      `${part} &lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;&quot;`,
    )
  }
  expect(text).toContain('<span class="removed">-old')
  expect(text).toContain('<span class="added">+&lt;script&gt;')
  expect(text).toContain('revert')
})

/** A turn of one file operation; its page. */
async function pageOfFileOperation(attributes: Attributes): Promise<string> {
  const traceId = newTraceId()
  const root = newSpanId()
  await post(
    receiver,
    'traces',
    traceRequest([
      span({ 'gen_ai.operation.name': 'invoke_agent' }, { traceId, spanId: root }),
      span(
        { 'turnlog.file_operation.type': 'rename', 'file.path': 'b.sql', ...attributes },
        { traceId, parentSpanId: root },
      ),
    ]),
  )
  return (await read(`/turns/${traceId}`)).text
}

test('the diff of a renamed file shows lines of the file only', async () => {
  const text = await pageOfFileOperation({
    'turnlog.file_operation.previous_path': 'a.sql',
    'turnlog.file_operation.diff': `diff --git a/a.sql b/b.sql
similarity index 80%
rename from a.sql
rename to b.sql
--- a/a.sql
+++ b/b.sql
@@ -1,2 +1,2 @@
 same
--- a comment
+++ no comment
\\ No newline at end of file
`,
  })
  const lines = [...text.matchAll(/<span class="(\w+)">(.*)\n<\/span>/g)]
  expect(lines.map(([, kind, line]) => [kind, line])).toEqual([
    ['hunk', '@@ -1,2 +1,2 @@'],
    ['same', ' same'],
    ['removed', '--- a comment'],
    ['added', '+++ no comment'],
    ['note', 'No newline at end of file'],
  ])
})

test('a file operation says why a state is not known, and whether it is shared, open, merged or failed', async () => {
  const text = await pageOfFileOperation({
    'turnlog.file_operation.type': 'edit',
    'turnlog.file_operation.before.omitted': 'being_written',
    'turnlog.file_operation.after': 'new\n',
    'turnlog.file_operation.shared': true,
    'turnlog.file_operation.open': true,
    'turnlog.file_operation.merged': 2,
    'error.type': 'ENOSPC',
  })
  expect(text).toContain('before, being written')
  for (const badge of ['shared', 'open', 'with 2 more', 'ENOSPC']) {
    expect(text).toMatch(new RegExp(`class="badge [^>]*>${badge}</span>`))
  }
})

test('characters that mislead the eye are shown in every text of every page; what a text needs stays', async () => {
  const bidi = '\u202emoc\u2066.exe\u2069\u200b'
  const needed = '👩\u200d💻 می\u200cخواهم\nsecond line'
  const traceId = newTraceId()
  const root = newSpanId()
  const messages = (role: string, content: string) =>
    JSON.stringify([{ role, parts: [{ type: 'text', content }] }])
  await post(
    receiver,
    'traces',
    traceRequest(
      [
        span(
          {
            'gen_ai.operation.name': 'invoke_agent',
            'gen_ai.agent.name': bidi,
            'gen_ai.input.messages': messages('user', `${bidi} ${needed}`),
            'gen_ai.output.messages': messages('assistant', `${bidi}\u001b ${needed}`),
            'turnlog.sequence': 1,
          },
          { traceId, spanId: root },
        ),
        span(
          {
            'gen_ai.operation.name': 'execute_tool',
            'gen_ai.tool.name': bidi,
            'gen_ai.tool.call.arguments': JSON.stringify({ [bidi]: bidi }),
            'gen_ai.tool.call.result': bidi,
          },
          { traceId, parentSpanId: root },
        ),
        span(
          {
            'turnlog.file_operation.type': 'edit',
            'file.path': `${bidi}\nsecond line.txt`,
            'turnlog.file_operation.diff': `--- a\n+++ b\n@@ -0,0 +1,2 @@\n+${bidi}\r\n+\u001b[31m\n`,
          },
          { traceId, parentSpanId: root },
        ),
      ],
      { 'service.name': bidi, 'service.instance.id': bidi, 'session.id': bidi, 'user.id': bidi },
    ),
  )
  const shown = 'U+202EmocU+2066.exeU+2069U+200B'
  for (const path of ['/', '/sessions', `/turns/${traceId}`]) {
    const { text } = await read(path)
    expect(text).toContain(shown)
    expect(text).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u200b]/)
  }
  const { text } = await read(`/turns/${traceId}`)
  for (const part of [
    `<h1 class="prompt">${shown} ${needed}</h1>`,
    `${shown}␛ ${needed}</p>`,
    `${shown}␊second line.txt`,
    `<span class="added">+${shown}␍\n</span>`,
    '<span class="added">+␛[31m\n</span>',
    `<title>${shown} 👩\u200d💻 می\u200cخواهم · Turnlog</title>`,
  ]) {
    expect(text).toContain(part)
  }
  // The content itself is served as it is.
  expect((await read(`/turns/${traceId}/${root}/prompt`)).text).toContain(`${bidi} ${needed}`)
})

test('a title is cut between characters', async () => {
  const traceId = newTraceId()
  const input = JSON.stringify([
    { role: 'user', parts: [{ type: 'text', content: `${'x'.repeat(79)}👩 said` }] },
  ])
  await post(
    receiver,
    'traces',
    traceRequest([
      span(
        { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.input.messages': input },
        { traceId },
      ),
    ]),
  )
  expect((await read(`/turns/${traceId}`)).text).toContain(`${'x'.repeat(79)}… · Turnlog`)
})

test('a bare rename says that no line changed', async () => {
  const text = await pageOfFileOperation({
    'turnlog.file_operation.diff':
      'diff --git a/a b/b\nsimilarity index 100%\nrename from a\nrename to b\n',
  })
  expect(text).toContain('No line was added or removed.')
  expect(text).not.toContain('<pre class="diff">')
})

test('a turn of plain events shows what was decided elsewhere, and no duration that nobody told', async () => {
  const { turn, tool, file, decision } = eventsOfTurn({ sessionId: 's-plain', turnId: 't-plain' })
  const { latencyMs: _latency, ...untimed } = turn
  const { durationMs: _duration, ...untimedTool } = tool
  const later = { type: 'ChangeDecision', opId: decision.opId, decision: 'revert' }
  const { results } = await sendEvents(receiver, [
    untimed,
    untimedTool,
    file,
    { ...later, sessionId: 'another', timestamp: Date.now() + 1_000 },
  ])
  const { status, text } = await read(`/turns/${results[0]?.traceId}`)
  expect(status).toBe(200)
  expect(text).toContain('Rename foo to bar.')
  expect(text).toContain('write_file')
  expect(text).toContain('revert')
  expect(text).not.toMatch(/<span>0\.0 ms<\/span>/)
})

test('the list shows the beginning of each turn, newest first, a page at a time', async () => {
  await database.query('delete from spans')
  const spans = Array.from({ length: 95 }, (_, index) =>
    span(
      {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.input.messages': JSON.stringify([
          {
            role: 'user',
            parts: [{ type: 'text', content: `prompt-${index}! ${'x'.repeat(5_000)}` }],
          },
        ]),
      },
      // Several at one moment: none is shown twice or left out at the page's edge.
      { startTimeUnixNano: nanoseconds(new Date(Date.now() - Math.floor(index / 10) * 1000)) },
    ),
  )
  await post(receiver, 'traces', traceRequest(spans))
  const seen: string[] = []
  let path = '/'
  for (let pages = 0; pages < 10 && path !== ''; pages += 1) {
    const { text } = await read(path)
    expect(text.length).toBeLessThan(100_000)
    seen.push(...[...text.matchAll(/prompt-(\d+)!/g)].map(([, number]) => number ?? ''))
    path =
      /<a href="(\/\?before=[^"]+)" rel="next">/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? ''
  }
  expect(new Set(seen).size).toBe(95)
  expect(seen).toHaveLength(95)
})

test('sessions show for each recorder whether all that it recorded is here', async () => {
  await post(
    receiver,
    'traces',
    traceRequest([span({ 'turnlog.sequence': 3 })], {
      'service.instance.id': 'r-2',
      'session.id': 's-2',
      'turnlog.recorder.recorded_through': 7,
    }),
  )
  const { status, text } = await read('/sessions')
  expect(status).toBe(200)
  const [row = ''] = /title="r-2">r-2<\/th>.*<\/tr>/.exec(text) ?? []
  const cells = [...row.matchAll(/<td data-name="(\w+)"( class="lacking")?>([^<]*)</g)]
  expect(cells.map(([, name, lacking, count]) => [name, count, lacking !== undefined])).toEqual([
    ['recorded', '7', false],
    ['landed', '1', false],
    ['rejected', '0', false],
    ['dropped', '0', false],
    ['missing', '6', true],
    ['unseen', '?', false],
  ])
})

test('beside what landed a session says what was not seen, and what was observed', async () => {
  const resource = { 'service.instance.id': 'r-u', 'session.id': `s ${evil}` }
  const start = log(
    {
      'turnlog.sequence': 1,
      'turnlog.self_check.bound': ['fs', evil],
      'turnlog.self_check.not_bound': JSON.stringify({
        child_processes: 'switched_off',
        [evil]: evil,
      }),
      'turnlog.self_check.versions': JSON.stringify({ node: '24.5.0', openai: evil, odd: 1 }),
    },
    { eventName: 'session.start' },
  )
  await post(receiver, 'logs', logsRequest([start], resource))
  const cells = /title="r-u">.*<td data-name="unseen"( class="lacking")?>(\d)<\/td><\/tr>/
  expect(cells.exec((await read('/sessions')).text)?.slice(1)).toEqual([undefined, '0'])

  const unseen = (attributes: Attributes) => log(attributes, { eventName: 'turnlog.unseen' })
  const traffic = {
    'turnlog.unseen.reason': 'model_traffic',
    'turnlog.unseen.why': 'event_stream',
    'server.address': `api.${evil}`,
    'server.port': 443,
    'url.template': `/v1/${evil}`,
  }
  const records = [
    unseen({ ...traffic, 'turnlog.sequence': 2, 'turnlog.unseen.count': 1 }),
    unseen({ ...traffic, 'turnlog.sequence': 3, 'turnlog.unseen.count': 4 }),
    unseen({
      'turnlog.sequence': 4,
      'turnlog.unseen.reason': 'workspace_change',
      'turnlog.unseen.why': 'outside_turn',
      'turnlog.unseen.count': 1,
    }),
  ]
  await post(receiver, 'logs', logsRequest(records, resource))
  const { text } = await read('/sessions')
  expect(cells.exec(text)?.slice(1)).toEqual([' class="lacking"', '6'])
  expect(text).toContain('<h3>6 not seen</h3>')
  expect(text).toMatch(
    /<b>5<\/b> requests like a model’s, of no API that is understood <code>api\.&lt;script/,
  )
  expect(text).toContain('<b>1</b> file changed outside of any turn</li>')
  expect(text).toContain('2 parts observed, <b>2 not</b>: child processes (switched off)')
  expect(text).toContain('<dt>node</dt><dd>24.5.0</dd>')
  expect(text).not.toContain('<script')

  const turns = await read(`/?session=${encodeURIComponent(`s ${evil}`)}`)
  expect(turns.text).toContain('>6 not seen</a>')
  expect(turns.text).not.toContain('<script')
})

test('a session of which nothing is left is said to have expired', async () => {
  await database.query(`
    insert into session_lifetimes (team_id, session_id, service_name, first_time, last_time)
    values ('default', 's-gone', 'app', now() - interval '40 days', now() - interval '40 days')`)
  expect((await read('/sessions')).text).toMatch(/expired: .*\n(.*\n)*.*s-gone/)
  expect((await read('/?session=s-gone')).text).toContain('This session has expired.')
  expect((await read('/?session=s-unknown')).text).toContain('Nothing has landed yet.')
})

test('sessions are shown a page at a time, and one alone when it is asked for', async () => {
  await database.query(`
    insert into session_lifetimes (team_id, session_id, service_name, first_time, last_time)
    select 'default', 's-paged-' || n, 'app', now() - interval '50 days',
           -- Several at one moment: none is shown twice or left out at the page's edge.
           date_trunc('day', now()) - make_interval(days => 50 + n / 10)
      from generate_series(1, 45) n`)
  const seen: string[] = []
  let path = '/sessions'
  for (let pages = 0; pages < 10 && path !== ''; pages += 1) {
    const { text } = await read(path)
    const shown = [...text.matchAll(/<p class="id">(.*)<\/p>/g)].map(([, id]) => id ?? '')
    expect(shown.length).toBeLessThanOrEqual(20)
    seen.push(...shown.filter((id) => id.startsWith('s-paged-')))
    path =
      /<a href="(\/sessions\?before=[^"]+)" rel="next">/
        .exec(text)?.[1]
        ?.replaceAll('&amp;', '&') ?? ''
  }
  expect(new Set(seen).size).toBe(45)
  expect(seen).toHaveLength(45)
  const { text } = await read('/sessions?session=s-paged-45')
  expect([...text.matchAll(/<p class="id">(.*)<\/p>/g)].map(([, id]) => id)).toEqual(['s-paged-45'])
})

test('a turn’s page links to the turn that it is linked to, and to nothing that is no turn here', async () => {
  const turnOf = (prompt: string, links: readonly object[] = []) => {
    const [traceId, spanId] = [newTraceId(), newSpanId()]
    const input = JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: prompt }] }])
    const attributes = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.input.messages': input }
    return { traceId, spanId, record: span(attributes, { traceId, spanId, links }) }
  }
  const first = turnOf(`first ${evil}`)
  const elsewhere = { traceId: newTraceId(), spanId: newSpanId() }
  const linkTo = ({ traceId, spanId }: typeof first, type?: string) => ({
    traceId,
    spanId,
    attributes: toAttributes(type === undefined ? {} : { 'turnlog.link.type': type }),
  })
  const second = turnOf('second', [linkTo(first), elsewhere])
  const third = turnOf('third', [linkTo(second, 'previous_turn'), linkTo(first, 'caller')])
  await post(receiver, 'traces', traceRequest([first.record, second.record, third.record]))
  const ofThird = (await read(`/turns/${third.traceId}`)).text
  expect(ofThird).toContain(`Goes on from <a href="/turns/${second.traceId}">second</a>`)
  expect(ofThird).toContain(`Asked for by <a href="/turns/${first.traceId}">`)
  const { text } = await read(`/turns/${second.traceId}`)
  expect(text).toMatch(
    new RegExp(`Linked to <a href="/turns/${first.traceId}">first &lt;script&gt;`),
  )
  expect(text).not.toContain(elsewhere.traceId)
  expect((await read(`/turns/${first.traceId}`)).text).not.toContain('Linked to')
})

test('content is served whole as text or as a download, never as what it says it is', async () => {
  const traceId = await landTurn('p')
  const [operation] = await database.query<{ span_id: string }>(
    'select span_id from file_operations where trace_id = $1',
    [traceId],
  )
  const before = await read(`/turns/${traceId}/${operation?.span_id}/before`)
  expect([before.text, before.headers.get('content-type')]).toEqual([
    'old\n',
    'text/plain; charset=utf-8',
  ])
  const after = await read(`/turns/${traceId}/${operation?.span_id}/after`)
  expect(after.headers.get('content-type')).toBe('application/octet-stream')
  expect(after.headers.get('content-disposition')).toMatch(/^attachment/)
  for (const name of ['overwritten', 'constructor', 'nonsense']) {
    expect((await read(`/turns/${traceId}/${operation?.span_id}/${name}`)).status).toBe(404)
  }
})

test('what has not come yet is said to be on its way, and is shown once it is here', async () => {
  const traceId = newTraceId()
  const [root, chat, tool, file] = [newSpanId(), newSpanId(), newSpanId(), newSpanId()]
  const texts = {
    prompt: 'a long prompt, by itself',
    answer: 'a long answer, by itself',
    result: 'a long result, by itself',
    diff: '--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old by itself\n+new by itself\n',
    after: 'new by itself\n',
  }
  const reference = (name: string, text: string) => ({
    [`${name}.ref`]: contentHash(text),
    [`${name}.size`]: Buffer.byteLength(text),
  })
  const said = (role: string, text: string) =>
    JSON.stringify([{ role, parts: [{ type: 'text', ...reference('content', text) }] }])
  const answer = await post(
    receiver,
    'traces',
    traceRequest([
      span(
        {
          'gen_ai.operation.name': 'invoke_agent',
          'gen_ai.input.messages': said('user', texts.prompt),
          'gen_ai.output.messages': said('assistant', texts.answer),
        },
        { traceId, spanId: root },
      ),
      span(
        {
          'gen_ai.operation.name': 'chat',
          'gen_ai.input.messages': said('user', texts.prompt),
          'gen_ai.output.messages': said('assistant', texts.answer),
        },
        { traceId, spanId: chat, parentSpanId: root },
      ),
      span(
        {
          'gen_ai.operation.name': 'execute_tool',
          ...reference('gen_ai.tool.call.result', texts.result),
        },
        { traceId, spanId: tool, parentSpanId: root },
      ),
      span(
        {
          'turnlog.file_operation.type': 'edit',
          'file.path': 'x',
          ...reference('turnlog.file_operation.diff', texts.diff),
          ...reference('turnlog.file_operation.after', texts.after),
        },
        { traceId, spanId: file, parentSpanId: tool },
      ),
    ]),
  )
  expect(await answer.json()).toEqual({})

  const before = await read(`/turns/${traceId}`)
  for (const words of [
    'The prompt is not here yet',
    'It is not here yet.',
    'The result is not here yet.',
    'The diff is not here yet.',
    'after 14 B, not here yet',
    'This (24 B) is not here yet.',
  ]) {
    expect(before.text).toContain(words)
  }
  const missing = await read(`/turns/${traceId}/${tool}/result`)
  expect([missing.status, missing.text.includes('This content is not here yet')]).toEqual([
    404,
    true,
  ])

  await post(
    receiver,
    'logs',
    logsRequest(Object.values(texts).flatMap((text) => contentParts(text))),
  )
  const after = await read(`/turns/${traceId}`)
  expect(after.text).not.toContain('not here yet')
  for (const text of [texts.prompt, texts.answer, texts.result, 'new by itself']) {
    expect(after.text).toContain(text)
  }
  expect((await read(`/turns/${traceId}/${tool}/result`)).text).toBe(texts.result)
  expect((await read(`/turns/${traceId}/${chat}/input-messages`)).text).toContain(texts.prompt)
  expect((await read('/')).text).toContain(texts.prompt)
})

test('pages allow no script, no frame and no foreign origin', async () => {
  const { headers } = await read('/')
  expect(headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(headers.get('content-security-policy')).not.toContain('script-src')
  expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('cache-control')).toBe('no-store')
})

test('a page is refused under a name that is not ours', async () => {
  const { request } = await import('node:http')
  const ask = (host: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      request(receiver.url, { headers: { host, cookie } }, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      })
        .on('error', reject)
        .end()
    })
  expect(await ask('evil.example')).toBe(421)
  expect(await ask('127.0.0.1.evil.example:4320')).toBe(421)
  expect(await ask('localhost:4320')).toBe(200)
  expect(await ask('[::1]:4320')).toBe(200)
})

test.each([
  '/turns/xyz',
  `/turns/${newTraceId()}`,
  '/?before=x&span=y',
  '/?session=%00',
  '/sessions?before=x&after=y',
  '/sessions?session=%00',
  '/?before=9999-99-99T99:99:99.000000Z&span=aaaaaaaaaaaaaaaa',
])('%s is answered without trouble', async (path) => {
  expect([200, 404]).toContain((await read(path)).status)
})
