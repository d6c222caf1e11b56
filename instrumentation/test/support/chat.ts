/** A chat app under the preload, its model API, and the app's records at the end. */
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { type ApiAnswer, type ApiRequest, startMessagesApi } from './messages-api.ts'
import { startProgram } from './observed-program.ts'
import { type Recorded, type RecordedSpan, readRecorded } from './recorded.ts'
import { makeWorkspace } from './workspace.ts'

export interface ChatOptions {
  /** Environment variables of `programs/chat-host.ts`. */
  readonly server?: string
  readonly client?: string
  /** Another program, which prints `port` and takes `API`. */
  readonly program?: string
  readonly answer: (request: ApiRequest) => ApiAnswer
  readonly files?: Readonly<Record<string, string>>
  /** Prepares the workspace further, before the program starts. */
  readonly prepare?: (folder: string) => void
  readonly env?: Readonly<Record<string, string>>
}

export async function startChat(options: ChatOptions) {
  const { server = 'http', client = 'sdk', program = 'chat-host.ts' } = options
  const workspace = makeWorkspace(options.files)
  options.prepare?.(workspace.folder)
  const api = await startMessagesApi(options.answer)
  const host = startProgram(program, {
    cwd: workspace.folder,
    spool: workspace.spool,
    env: { SERVER: server, CLIENT: client, API: api.url, ...options.env },
  })
  const address = `127.0.0.1:${await host.line('port')}`

  return {
    workspace,
    api,
    host,
    address,
    /** One turn over HTTP. */
    async post(
      message: string,
      { stream, client, ...init }: RequestInit & { stream?: boolean; client?: string } = {},
    ) {
      const response = await fetch(`http://${address}/api/chat`, {
        method: 'POST',
        body: JSON.stringify({ message, stream, client }),
        ...init,
        headers: { 'content-type': 'application/json', ...init.headers },
      })
      return { status: response.status, text: await response.text() }
    },
    /** `kind`: how the app listens for messages. */
    async connect(kind = 'async') {
      const socket = new WebSocket(`ws://${address}/ws/chat?kind=${kind}`)
      await once(socket, 'open')
      return {
        socket,
        /** One turn: resolves with its last frame. */
        say(text: string, id = text): Promise<Readonly<Record<string, unknown>>> {
          return new Promise((resolve) => {
            const hear = (data: unknown): void => {
              const frame = JSON.parse(String(data))
              if (frame.id !== id) return
              socket.off('message', hear)
              resolve(frame)
            }
            socket.on('message', hear)
            socket.send(JSON.stringify({ text, id }))
          })
        },
      }
    },
    /** Ends the app in good order and reads what it has recorded. */
    async recorded(): Promise<Recorded> {
      const { stderr } = await host.stop()
      if (stderr !== '') throw new Error(`The app printed: ${stderr}`)
      return readRecorded(workspace.spool)
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await host[Symbol.asyncDispose]()
      await api[Symbol.asyncDispose]()
      workspace[Symbol.dispose]()
    },
  }
}

/** The spans of each trace that has a turn, as an indented tree, in the order of their starts. */
export function turnTrees({ spans }: Recorded): string[] {
  const turns = spans.filter(isTurn).toSorted((a, b) => a.startMs - b.startMs)
  return turns.map((turn) => [nameOf(turn), ...children(turn, '  ')].join('\n'))

  function children(parent: RecordedSpan, indent: string): string[] {
    return spans
      .filter(
        ({ parentSpanId, traceId }) => parentSpanId === parent.spanId && traceId === parent.traceId,
      )
      .toSorted(byStart)
      .flatMap((span) => [indent + nameOf(span), ...children(span, `${indent}  `)])
  }
}

function byStart(a: RecordedSpan, b: RecordedSpan): number {
  const sequence = ({ attributes }: RecordedSpan) => Number(attributes['turnlog.sequence'])
  return a.startMs - b.startMs || sequence(a) - sequence(b)
}

/** Model calls by their operation, whoever made the span; file operations with their path. */
function nameOf(span: RecordedSpan): string {
  if (span.attributes['gen_ai.operation.name'] === 'chat') return 'chat'
  if (isTurn(span)) return 'turn'
  const path = span.attributes['file.path']
  return path === undefined ? span.name : `${span.name} ${String(path)}`
}

export function isTurn(span: RecordedSpan): boolean {
  return span.attributes['gen_ai.operation.name'] === 'invoke_agent' && span.parentSpanId === ''
}

/** The text of a messages attribute. */
export function textOf(span: RecordedSpan | undefined, name: string): string | undefined {
  const value = span?.attributes[name]
  if (typeof value !== 'string') return undefined
  const messages: { parts: { content?: string }[] }[] = JSON.parse(value)
  return messages
    .at(-1)
    ?.parts.map(({ content }) => content ?? '')
    .join('')
}
