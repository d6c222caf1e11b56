/**
 * An app without a server that makes scripted model calls, in rounds: the calls of a round at once. Shows the turn of each call.
 */
import { isTurn, textOf } from './chat.ts'
import { type ApiAnswer, startMessagesApi } from './messages-api.ts'
import { runProgram } from './observed-program.ts'
import { type Recorded, readRecorded } from './recorded.ts'
import { makeWorkspace } from './workspace.ts'

export type Messages = readonly { readonly role: string; readonly content: unknown }[]

export interface Call {
  readonly system: string
  readonly messages: Messages
  /** The names of the tools that it offers. */
  readonly offers?: readonly string[]
  readonly answer: ApiAnswer
  readonly writes?: string
}

export const user = (content: unknown) => ({ role: 'user', content })
export const model = (content: unknown) => ({ role: 'assistant', content })
export const use = (id: string, name: string, input: object) => ({
  type: 'tool_use',
  id,
  name,
  input,
})
export const result = (id: string) =>
  user([{ type: 'tool_result', tool_use_id: id, content: 'done' }])

export const agent = 'You are an agent.'
export const shell = { system: agent, offers: ['shell', 'agent', 'write_file'] }
export const done: ApiAnswer = { text: 'Done.' }
export const asks = (id: string, name: string, input: object): ApiAnswer => ({
  tools: [{ id, name, input }],
})

export interface Shown {
  /** Of each call, the number of its turn, `none`, or `ambiguous`. */
  readonly turns: readonly (number | string)[]
  readonly prompts: readonly (string | undefined)[]
  /** Of each turn, the number of the one that it is linked to. */
  readonly after: readonly (number | undefined)[]
  readonly recorded: Recorded
}

export async function shownBy(rounds: readonly (readonly Call[])[]): Promise<Shown> {
  const calls = rounds.flat()
  const keyOf = (call: Call): string => `call-${calls.indexOf(call)}`
  await using api = await startMessagesApi((request) => {
    const asked = calls[Number(request.model.slice('call-'.length))]
    return asked?.answer ?? { status: 400 }
  })
  using workspace = makeWorkspace()
  const steps = rounds.map((round) =>
    round.map((call) => {
      const { system, messages, offers = [], writes } = call
      const tools = offers.map((name) => ({ name, input_schema: { type: 'object' } }))
      const body = { model: keyOf(call), max_tokens: 9, system, messages, tools }
      return { body: tools.length > 0 ? body : { ...body, tools: undefined }, writes }
    }),
  )
  const { folder, spool } = workspace
  await runProgram('scripted-calls.ts', {
    cwd: folder,
    spool,
    env: { API: api.url, STEPS: JSON.stringify(steps) },
  })
  const recorded = readRecorded(spool)
  const turns = recorded.spans.filter(isTurn).toSorted((a, b) => a.startMs - b.startMs)
  const numberOf = (traceId: string | undefined): number =>
    turns.findIndex((turn) => turn.traceId === traceId) + 1
  return {
    turns: calls.map((call) => {
      const span = recorded.spans.find(
        ({ attributes }) => attributes['gen_ai.request.model'] === keyOf(call),
      )
      if (span?.attributes['turnlog.turn.ambiguous'] === true) return 'ambiguous'
      return numberOf(span?.traceId) || 'none'
    }),
    prompts: turns.map((turn) => textOf(turn, 'gen_ai.input.messages')),
    after: turns.map(({ links }) => numberOf(links[0]?.traceId) || undefined),
    recorded,
  }
}

export const sequence = (...calls: readonly Call[]) => calls.map((call) => [call])
