/** The agent: asks the model, runs the tools it asks for and returns their results to it, until the model has answered. */

import type { Toolbox } from '../tools/toolbox.ts'
import type { Message, Model, ToolResult, ToolUse } from './models/model.ts'

/** The limit of model calls in a turn; a longer turn is probably an endless loop. */
const stepsMax = 32
/** A message of the API is shown to the user; some are whole HTML pages. */
const reasonCharsMax = 500
/** A failed result begins with this, because some APIs cannot mark it. */
const errorPrefix = 'Error: '

export interface ToolActivity {
  readonly name: string
  readonly subject: string
  readonly state: 'started' | 'done' | 'failed'
}

export interface TurnRequest {
  /** The earlier turns, each complete and ending with the agent's answer. */
  readonly history: readonly Message[]
  readonly text: string
  readonly signal: AbortSignal
  /** Called with each piece of text as it arrives; if set, the model's answers are streamed. */
  readonly onText?: ((text: string) => void) | undefined
  readonly onTool?: ((activity: ToolActivity) => void) | undefined
}

export type TurnOutcome =
  | {
      readonly status: 'completed'
      /** The text of the last model call. */
      readonly answer: string
      /** The whole turn, from the user's message to the answer, in the form of `history`. */
      readonly messages: readonly Message[]
    }
  | { readonly status: 'failed'; readonly reason: string }
  | { readonly status: 'aborted' }

export type Agent = ReturnType<typeof createAgent>

export function createAgent(options: {
  readonly model: Model
  readonly systemPrompt: string
  readonly toolbox: Toolbox
}) {
  const { model, systemPrompt, toolbox } = options

  async function useTools(
    uses: readonly ToolUse[],
    { signal, onTool }: TurnRequest,
  ): Promise<readonly ToolResult[]> {
    const results: ToolResult[] = []
    // One after the other, since two edits of one file must not overtake each other.
    for (const use of uses) {
      const { name, input } = use
      const activity = { name, subject: subjectOf(input) }
      onTool?.({ ...activity, state: 'started' })
      const outcome = await toolbox.run(name, input, signal)
      signal.throwIfAborted()
      const isError = outcome.status === 'failed'
      onTool?.({ ...activity, state: isError ? 'failed' : 'done' })
      results.push({ use, text: isError ? `${errorPrefix}${outcome.text}` : outcome.text, isError })
    }
    return results
  }

  async function converse(request: TurnRequest): Promise<TurnOutcome> {
    const messages: Message[] = [{ role: 'user', text: request.text }]
    for (let step = 0; step < stepsMax; step += 1) {
      const { text, toolUses, asSent } = await model.ask({
        systemPrompt,
        tools: toolbox.definitions,
        messages: [...request.history, ...messages],
        signal: request.signal,
        onText: request.onText,
      })
      if (toolUses.length === 0) {
        messages.push({ role: 'assistant', text: text || '(no answer)' })
        return { status: 'completed', answer: text, messages }
      }
      // Text before the tools and text after them are separate paragraphs.
      if (text !== '') request.onText?.('\n\n')
      messages.push({ role: 'assistant', text, asSent })
      messages.push({ role: 'tools', results: await useTools(toolUses, request) })
    }
    return { status: 'failed', reason: `The agent stopped after ${stepsMax} steps.` }
  }

  return {
    /** Runs one turn. Never throws: if the model cannot be reached or refuses, returns `failed` with the reason. */
    async answer(request: TurnRequest): Promise<TurnOutcome> {
      try {
        return await converse(request)
      } catch (error) {
        if (request.signal.aborted) return { status: 'aborted' }
        return { status: 'failed', reason: reasonOf(error, model) }
      }
    },
  }
}

/** A short text for people that says what a tool is applied to. */
function subjectOf(input: unknown): string {
  if (typeof input !== 'object' || input === null) return ''
  const { path, from, command } = input as Readonly<Record<string, unknown>>
  const subject = path ?? from ?? command
  return typeof subject === 'string' ? subject.slice(0, 200) : ''
}

function reasonOf(error: unknown, { whyFailed }: Model): string {
  const message = error instanceof Error ? error.message : String(error)
  switch (whyFailed(error)) {
    case 'unreachable':
      return 'The model could not be reached.'
    case 'refused':
      return `The model refused: ${message}`.slice(0, reasonCharsMax)
    default:
      return `The turn failed: ${message}`.slice(0, reasonCharsMax)
  }
}
