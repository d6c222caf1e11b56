/** Apps that declare their turns, tool calls and file operations: one scenario a run. */
import * as fs from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { isMainThread, Worker } from 'node:worker_threads'
import { SpanKind, trace } from '@opentelemetry/api'
import { fileOperation, type ToolCall, type Turn, toolCall, turn } from '@turnlog/instrumentation'
import { WebSocket, WebSocketServer } from 'ws'

interface Block {
  readonly type: string
  readonly id: string
  readonly name: string
  readonly input: { readonly path: string; readonly content: string }
}

async function ask(messages: unknown[]): Promise<{ content: Block[]; text: string }> {
  const response = await fetch(`${process.env.API}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'claude-test', max_tokens: 10, messages }),
  })
  if (!response.ok) throw new Error(`status ${response.status}`)
  const { content } = (await response.json()) as { content: (Block & { text?: string })[] }
  return { content, text: content.map((block) => block.text ?? '').join('') }
}

/** A hand-written loop that runs its tools with `run`. */
async function converse(
  prompt: string,
  run: (block: Block) => Promise<string> | string,
): Promise<string> {
  const messages: unknown[] = [{ role: 'user', content: prompt }]
  for (;;) {
    const { content, text } = await ask(messages)
    messages.push({ role: 'assistant', content })
    const uses = content.filter(({ type }) => type === 'tool_use')
    if (uses.length === 0) return text
    const results = await Promise.all(
      uses.map(async (block) => ({
        type: 'tool_result',
        tool_use_id: block.id,
        content: await run(block),
      })),
    )
    messages.push({ role: 'user', content: results })
  }
}

const write = ({ input }: Block): string => {
  fs.writeFileSync(input.path, input.content)
  return `wrote ${input.path}`
}
const reportedById = (block: Block) =>
  toolCall({ name: block.name, arguments: block.input, id: block.id }, async () => {
    await sleep(1)
    return write(block)
  })
const reportedByName = (block: Block) =>
  toolCall({ name: block.name, arguments: block.input }, () => write(block))

/** Serves requests with `handle`, makes one request to each path, and closes. */
async function serve(
  paths: readonly string[],
  handle: (body: string, path: string) => Promise<string>,
  { isAnsweredFirst = false } = {},
): Promise<string[]> {
  const settled: Promise<unknown>[] = []
  const server = http.createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    if (isAnsweredFirst) response.writeHead(202).end('later')
    const work = handle(JSON.parse(body).message, request.url ?? '').then(
      (answer) => (isAnsweredFirst ? undefined : response.end(answer)),
      (error) => {
        response.statusCode = 500
        response.end(String(error))
      },
    )
    settled.push(work)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const answers = await Promise.all(
    paths.map(async (path) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ message: `found ${path}` }),
      })
      return response.text()
    }),
  )
  await Promise.all(settled)
  server.closeAllConnections()
  server.close()
  return answers
}

class Refused extends Error {
  override readonly name = 'Refused'
}

const scenarios: Record<string, () => unknown> = {
  async turn() {
    const result = await turn(
      { prompt: 'fix it', conversationId: 'c1', agent: 'fixer' },
      async (turn) => {
        await sleep(1)
        turn.answer('half')
        turn.answer('fixed')
        return { value: 42 }
      },
    )
    console.log(JSON.stringify(result))
  },
  sync() {
    console.log(
      turn({ prompt: 'now' }, (turn) => {
        turn.answer('done')
        return 7
      }),
    )
    console.log(toolCall({ name: 'add', arguments: [1, 2] }, () => 3))
  },
  async loop() {
    console.log(
      await turn({ prompt: 'use them' }, () => converse('sent', reportedById)),
      await turn({ prompt: 'by name' }, () => converse('sent', reportedByName)),
    )
  },
  async found() {
    await turn({}, () => converse('from the model', reportedById))
  },
  async nested() {
    await turn({ prompt: 'outer' }, async (outer) => {
      await ask([{ role: 'user', content: 'plan' }])
      const found = await toolCall({ name: 'research', id: 'r1' }, () =>
        turn({ prompt: 'inner', agent: 'researcher' }, async () => {
          fs.writeFileSync('inner.txt', 'inner')
          return (await ask([{ role: 'user', content: 'look' }])).text
        }),
      )
      outer.answer(`found ${found}`)
    })
  },
  async 'tool alone'() {
    await toolCall({ name: 'lonely', arguments: { a: 1 } }, async () => {
      fs.writeFileSync('alone.txt', 'alone')
      await ask([{ role: 'user', content: 'inside' }])
      return 'done'
    })
  },
  async 'tool in request'() {
    await serve(['/mcp'], () =>
      toolCall({ name: 'served' }, async () => (await ask([{ role: 'user', content: 'q' }])).text),
    )
  },
  async http() {
    await serve(['/a'], (body) =>
      turn({ prompt: `given ${body}`, conversationId: 'c-given', agent: 'helper' }, (turn) => {
        turn.answer('given answer')
        return converse('sent', reportedById)
      }),
    )
  },
  async 'http, late'() {
    await serve(['/a'], async () => {
      await ask([{ role: 'user', content: 'classify' }])
      return turn({ prompt: 'given late' }, async (turn) => {
        turn.conversation('c-late')
        return (await ask([{ role: 'user', content: 'work' }])).text
      })
    })
  },
  async 'http, twice'() {
    await serve(['/a'], async () => {
      await turn({ prompt: 'first' }, () => Promise.reject(new Refused('no'))).catch(() => 0)
      return turn({ prompt: 'again' }, async (turn) => {
        turn.answer('got it')
        return 'ok'
      })
    })
  },
  async 'http, batch'() {
    await serve(['/a'], async () => {
      for (const id of ['c1', 'c2']) await turn({ prompt: id, conversationId: id }, async () => id)
      return 'ok'
    })
  },
  async 'http, answered first'() {
    await serve(
      ['/a'],
      async () => {
        await turn({ prompt: 'one' }, async () => sleep(5))
        return turn({ prompt: 'two' }, async () => 'ok')
      },
      { isAnsweredFirst: true },
    )
  },
  async 'http, side by side'() {
    await serve(['/a', '/b'], (body, path) =>
      turn({ prompt: body }, (turn) =>
        toolCall({ name: `tool ${path}` }, async () => {
          await sleep(path === '/a' ? 20 : 5)
          await fs.promises.writeFile(`${path.slice(1)}.txt`, path)
          turn.answer(path)
          return path
        }),
      ),
    )
  },
  async websocket() {
    const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await new Promise((resolve) => sockets.on('listening', resolve))
    sockets.on('connection', (socket) =>
      socket.on('message', (data) => {
        void turn({ prompt: `given ${data}` }, async (turn) => {
          await sleep(1)
          turn.answer('yes')
        }).then(() => socket.send('done'))
      }),
    )
    const { port } = sockets.address() as AddressInfo
    const client = new WebSocket(`ws://127.0.0.1:${port}/chat`)
    await new Promise((resolve) => client.on('open', resolve))
    for (const message of ['one', 'two']) {
      client.send(message)
      await new Promise((resolve) => client.once('message', resolve))
    }
    client.terminate()
    sockets.close()
  },
  async throws() {
    const error = new Refused('not today')
    const caught = await turn({ prompt: 'p' }, () =>
      toolCall({ name: 't' }, () => Promise.reject(error)),
    ).catch((cause) => cause)
    try {
      const value: number = turn({ prompt: 'sync' }, (): number => {
        throw error
      })
      console.log(value)
    } catch (cause) {
      console.log(caught === error && cause === error && !('turnlog' in error))
    }
    await turn({ prompt: 'said' }, async (turn) => {
      turn.fail(new Refused('given'))
      await toolCall({ name: 'copes' }, async (call) => {
        call.fail('no luck')
        return 'sorry'
      })
    })
  },
  async results() {
    const loop: Record<string, unknown> = {}
    loop.self = loop
    const values: [string, unknown][] = [
      ['text', 'as it is'],
      ['object', { a: [1n, new Map([[1, 2]]), new Set(['x'])], b: new Refused('r') }],
      ['bytes', Buffer.from('text in bytes')],
      ['binary', { raw: new Uint8Array([0, 255]) }],
      ['nothing', undefined],
      ['null', null],
      ['loop', loop],
    ]
    for (const [name, value] of values) await toolCall({ name, arguments: value }, () => value)
    await toolCall({ name: 'given' }, async (call) => {
      call.result('one')
      call.result('two')
      return 'three'
    })
  },
  async late() {
    const kept: { turn?: Turn; call?: ToolCall } = {}
    await turn({ prompt: 'early' }, async (turn) => {
      kept.turn = turn
      turn.answer('in time')
      await toolCall({ name: 't' }, async (call) => {
        kept.call = call
        return 'result'
      })
    })
    kept.turn?.answer('too late')
    kept.turn?.conversation('too late')
    kept.turn?.fail(new Error('too late'))
    kept.call?.result('too late')
    kept.call?.fail('too late')
  },
  async generators() {
    const values: unknown[] = []
    async function* stream(turn: Turn) {
      const { text } = await ask([{ role: 'user', content: 'q' }])
      yield text
      await sleep(1)
      fs.writeFileSync('streamed.txt', 'x')
      turn.answer('streamed')
      return 'end'
    }
    const stream1 = turn({ prompt: 'streams' }, stream)
    for await (const value of stream1) values.push(value)
    values.push(await text(Readable.from(turn({ prompt: 'piped' }, stream))))
    for await (const _value of turn({ prompt: 'left' }, stream)) break
    function* count() {
      yield 1
      yield 2
      return 'three'
    }
    values.push([...toolCall({ name: 'counts' }, count)])
    const failing = turn({ prompt: 'fails' }, async function* () {
      yield 1
      throw new Refused('in the middle')
    })
    await failing.next()
    values.push(await failing.next().catch((error) => error.name), await failing.next())
    console.log(JSON.stringify(values))
  },
  async 'native tool'() {
    const tracer = trace.getTracer('some-sdk')
    await turn({ prompt: 'p' }, () =>
      tracer.startActiveSpan(
        'execute_tool native',
        {
          kind: SpanKind.INTERNAL,
          attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'native' },
        },
        async (span) => {
          await toolCall({ name: 'native', arguments: { a: 1 } }, async () => {
            fs.writeFileSync('native.txt', 'n')
            return 'given result'
          })
          span.end()
        },
      ),
    )
  },
  async files() {
    fs.mkdirSync('sub', { recursive: true })
    fs.writeFileSync('sub/there.txt', 'on disk\n')
    await turn({ prompt: 'edit' }, async () => {
      await toolCall({ name: 'patch', id: 'p1' }, async () => {
        console.log(fileOperation({ path: 'new.txt', before: null, after: 'new\n' }))
        fileOperation({ path: 'sub/there.txt', before: 'before\n' })
        fileOperation({ path: 'gone.txt', before: Buffer.from('was\n'), after: null })
        fileOperation({ path: 'to.txt', previousPath: 'from.txt', before: 'a\n', after: 'b\n' })
        fileOperation({ path: 'moved.bin', previousPath: 'old.bin', after: new Uint8Array([0, 1]) })
      })
      fileOperation({ path: '/etc/hosts', before: 'x', after: 'y' })
      fileOperation({ path: 'unknown.txt', type: 'edit' })
      fileOperation({ path: 'unknown.txt', type: 'delete' })
      fileOperation({ path: 'same.txt', before: 'same', after: 'same' })
    })
    fileOperation({ path: 'outside-any-turn.txt', before: null, after: 'free' })
  },
  async misused() {
    const any = turn as (...values: unknown[]) => unknown
    console.log(any(undefined, () => 'ran'))
    console.log(any({ prompt: { parts: ['a'] }, agent: 7, conversationId: 9 }, () => 'ran'))
    const call = toolCall as (...values: unknown[]) => unknown
    console.log(call(null, () => 'ran'))
    console.log(
      call(
        {
          get name() {
            throw new Error('mine')
          },
        },
        () => 'ran',
      ),
    )
    console.log(typeof (fileOperation as (value: unknown) => unknown)(undefined))
    console.log(typeof (fileOperation as (value: unknown) => unknown)({ path: 5 }))
  },
  async worker() {
    if (isMainThread) {
      await turn({ prompt: 'main' }, async () => {
        const worker = new Worker(new URL(import.meta.url), { argv: ['worker'] })
        await new Promise((resolve) => worker.once('exit', resolve))
      })
    } else {
      await turn({ prompt: 'in a worker' }, () => toolCall({ name: 'w' }, async () => 'w'))
    }
  },
  async 'at work'() {
    await turn({ prompt: 'never ends', conversationId: 'c-open' }, async (turn) => {
      turn.answer('so far')
      await toolCall({ name: 'stuck', arguments: { a: 1 } }, async (call) => {
        call.result('part')
        setImmediate(() => console.log('working on it'))
        await new Promise((resolve) => setTimeout(resolve, 3_600_000))
      })
    })
  },
  async thenables() {
    let calls = 0
    const lazy = {
      // biome-ignore lint/suspicious/noThenProperty: query builders are such objects.
      then(resolve: (value: string) => void) {
        calls += 1
        resolve('rows')
      },
    }
    console.log(await toolCall({ name: 'lazy' }, () => lazy), calls)
    const kept = Promise.reject(new Refused('kept'))
    kept.catch(() => undefined)
    console.log(await turn({}, () => kept).catch((error) => error.name))
  },
  async copies() {
    const other: typeof import('@turnlog/instrumentation') = await import(
      `${import.meta.resolve('@turnlog/instrumentation')}?another`
    )
    console.log(other.turn === turn)
    await turn({ prompt: 'one copy' }, () => other.toolCall({ name: 'other copy' }, () => 'ok'))
  },
  'at the end'() {
    process.on('exit', () => {
      console.log(turn({ prompt: 'too late' }, () => toolCall({ name: 't' }, () => 'ran')))
      console.log(typeof fileOperation({ path: 'a', after: 'b' }))
    })
  },
  unhandled() {
    process.on('unhandledRejection', (error) => console.log('unhandled', String(error)))
    void turn({}, async () => {
      throw new Refused('nobody looks')
    })
  },
}

const name = process.argv[2] ?? ''
await scenarios[name]?.()
