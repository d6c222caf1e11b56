/**
 * What was said, kept in memory: conversations by id, each a list of whole turns.
 *
 * A turn is added when it has ended, in one piece, so that turns of one conversation may run side by side and
 * a history always alternates as the API demands. The one longest unused goes when there are too many.
 */

import type Anthropic from '@anthropic-ai/sdk'

const conversationsMax = 100
/** Of one conversation, the newest turns within this stay. */
const conversationCharsMax = 2 * 1024 ** 2

interface Turn {
  readonly messages: readonly Anthropic.MessageParam[]
  readonly chars: number
}

export type Conversations = ReturnType<typeof createConversations>

export function createConversations() {
  const turnsById = new Map<string, readonly Turn[]>()

  return {
    history(id: string): readonly Anthropic.MessageParam[] {
      return (turnsById.get(id) ?? []).flatMap((turn) => turn.messages)
    },

    add(id: string, messages: readonly Anthropic.MessageParam[]): void {
      const turns = [...(turnsById.get(id) ?? []), toTurn(messages)]
      let chars = turns.reduce((sum, turn) => sum + turn.chars, 0)
      while (chars > conversationCharsMax) chars -= turns.shift()?.chars ?? chars
      turnsById.delete(id)
      turnsById.set(id, turns)
      for (const oldest of turnsById.keys()) {
        if (turnsById.size <= conversationsMax) break
        turnsById.delete(oldest)
      }
    },
  }
}

/** A turn too large to be kept whole is remembered by what was said, without what the tools did. */
function toTurn(messages: readonly Anthropic.MessageParam[]): Turn {
  const chars = JSON.stringify(messages).length
  const [first, last] = [messages.at(0), messages.at(-1)]
  if (chars <= conversationCharsMax || first === undefined || last === undefined) {
    return { messages, chars }
  }
  const said = [first, last]
  return { messages: said, chars: JSON.stringify(said).length }
}
