/** The agent: asks the model, runs the tools it asks for and returns their results to it, until the model has answered. */

import Anthropic from '@anthropic-ai/sdk'
import type { Toolbox } from '../tools/toolbox.ts'

/** The limit of model calls in a turn; a longer turn is probably an endless loop. */
const stepsMax = 32
/** The SDK's limit without streaming. */
const answerTokensMax = 16_000
/** A message of the API is shown to the user; some are whole HTML pages. */
const reasonCharsMax = 500

export interface ToolActivity {
  readonly name: string
  readonly subject: string
  readonly state: 'started' | 'done' | 'failed'
}

export interface TurnRequest {
  /** The earlier turns, each complete and ending with the agent's answer. */
  readonly history: readonly Anthropic.MessageParam[]
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
      readonly messages: readonly Anthropic.MessageParam[]
    }
  | { readonly status: 'failed'; readonly reason: string }
  | { readonly status: 'aborted' }

export type Agent = ReturnType<typeof createAgent>

export function createAgent(options: {
  readonly client: Anthropic
  readonly model: string
  readonly systemPrompt: string
  readonly toolbox: Toolbox
}) {
  const { client, model, systemPrompt, toolbox } = options

  async function ask(
    messages: Anthropic.MessageParam[],
    { signal, onText }: TurnRequest,
  ): Promise<Anthropic.Message> {
    const request = {
      model,
      max_tokens: answerTokensMax,
      system: systemPrompt,
      tools: toolbox.definitions,
      messages,
    }
    if (onText === undefined) return client.messages.create(request, { signal })
    const stream = client.messages.stream(request, { signal })
    stream.on('text', onText)
    return stream.finalMessage()
  }

  async function useTools(
    uses: readonly Anthropic.ToolUseBlock[],
    { signal, onTool }: TurnRequest,
  ): Promise<Anthropic.ToolResultBlockParam[]> {
    const results: Anthropic.ToolResultBlockParam[] = []
    // One after the other, since two edits of one file must not overtake each other.
    for (const { id, name, input } of uses) {
      const activity = { name, subject: subjectOf(input) }
      onTool?.({ ...activity, state: 'started' })
      const outcome = await toolbox.run(name, input, signal)
      signal.throwIfAborted()
      const isError = outcome.status === 'failed'
      onTool?.({ ...activity, state: isError ? 'failed' : 'done' })
      results.push({
        type: 'tool_result',
        tool_use_id: id,
        content: outcome.text,
        ...(isError && { is_error: true }),
      })
    }
    return results
  }

  async function converse(request: TurnRequest): Promise<TurnOutcome> {
    const messages: Anthropic.MessageParam[] = [{ role: 'user', content: request.text }]
    for (let step = 0; step < stepsMax; step += 1) {
      const message = await ask([...request.history, ...messages], request)
      const uses = message.content.filter((block) => block.type === 'tool_use')
      if (message.stop_reason !== 'tool_use' || uses.length === 0) {
        const answer = textOf(message)
        messages.push({ role: 'assistant', content: answer || '(no answer)' })
        return { status: 'completed', answer, messages }
      }
      // Text before the tools and text after them are separate paragraphs.
      if (textOf(message) !== '') request.onText?.('\n\n')
      messages.push({ role: 'assistant', content: message.content })
      messages.push({ role: 'user', content: await useTools(uses, request) })
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
        return { status: 'failed', reason: reasonOf(error) }
      }
    },
  }
}

function textOf(message: Anthropic.Message): string {
  return message.content.map((block) => (block.type === 'text' ? block.text : '')).join('')
}

/** A short text for people that says what a tool is applied to. */
function subjectOf(input: unknown): string {
  if (typeof input !== 'object' || input === null) return ''
  const { path, from, command } = input as Readonly<Record<string, unknown>>
  const subject = path ?? from ?? command
  return typeof subject === 'string' ? subject.slice(0, 200) : ''
}

function reasonOf(error: unknown): string {
  if (error instanceof Anthropic.APIConnectionError) return 'The model could not be reached.'
  if (error instanceof Anthropic.APIError) {
    return `The model refused: ${error.message}`.slice(0, reasonCharsMax)
  }
  const message = error instanceof Error ? error.message : String(error)
  return `The turn failed: ${message}`.slice(0, reasonCharsMax)
}
