/**
 * Computes the scripted model's next answer to a conversation, only from the messages of the request.
 *
 * The last message with text from the user is the request. Its plan is run from the beginning with the tool results that
 * followed; the step that it reaches is the answer. So there is no state between requests.
 */

import { planFor, type ToolOutcome, type ToolUse } from './plan.ts'
import { type Message, type ModelRequest, toolUsesOf } from './request.ts'
import { parseWishes } from './wish.ts'

export interface ScriptedAnswer {
  readonly text: string
  readonly toolUses: readonly ToolUse[]
}

/** How the app begins a failed result, because some APIs cannot mark it. A plan gets the text without it. */
const errorPrefix = 'Error: '

export function answerByScript({ messages, toolNames }: ModelRequest): ScriptedAnswer {
  const wishedAt = messages.findLastIndex((message) => wishOf(message) !== '')
  const wished = messages[wishedAt]
  const plan = planFor(parseWishes(wished === undefined ? '' : wishOf(wished)))

  let step = plan.next()
  for (let at = wishedAt + 1; at < messages.length && !step.done; at += 1) {
    const outcomes = outcomesOf(messages[at], messages[at + 1])
    if (outcomes.length > 0) step = plan.next(outcomes)
  }
  if (step.done) return { text: step.value, toolUses: [] }

  const unknown = step.value.find((use) => !toolNames.includes(use.name))
  if (unknown === undefined) return { text: '', toolUses: step.value }
  return { text: `I would need a tool called ${unknown.name}, and was given none.`, toolUses: [] }
}

function wishOf(message: Message): string {
  if (message.role !== 'user') return ''
  const texts = message.content.filter((block) => block.type === 'text')
  return texts
    .map((block) => block.text)
    .join('\n')
    .trim()
}

/** The results of the tool calls in one assistant message, in the order of the calls. */
function outcomesOf(
  asking: Message | undefined,
  answering: Message | undefined,
): readonly ToolOutcome[] {
  return toolUsesOf(asking).map((use) => {
    const result = answering?.content.find(
      (block) => block.type === 'tool_result' && block.toolUseId === use.id,
    )
    if (result?.type !== 'tool_result') return { text: 'The tool answered nothing.', isError: true }
    const { text, isError } = result
    return text.startsWith(errorPrefix)
      ? { text: text.slice(errorPrefix.length), isError: true }
      : { text, isError }
  })
}
