/**
 * Conversations in memory, by id. Each is a list of complete turns.
 *
 * A turn is added as a whole when it has ended, so that turns of one conversation may run at the same time and
 * a history always alternates as the APIs require. The least recently used conversation is deleted if there are too many.
 */

import type { Message } from './models/model.ts'

const conversationsMax = 100
/** The limit of one conversation; the oldest turns above it are deleted. */
const conversationCharsMax = 2 * 1024 ** 2

interface Turn {
  readonly messages: readonly Message[]
  readonly chars: number
}

export function createConversations() {
  const turnsById = new Map<string, readonly Turn[]>()

  return {
    history(id: string): readonly Message[] {
      return (turnsById.get(id) ?? []).flatMap((turn) => turn.messages)
    },

    add(id: string, messages: readonly Message[]): void {
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

/** A turn that is too large is stored without its tool calls, with only the message and the answer. */
function toTurn(messages: readonly Message[]): Turn {
  const chars = JSON.stringify(messages).length
  const [first, last] = [messages.at(0), messages.at(-1)]
  if (chars <= conversationCharsMax || first === undefined || last === undefined) {
    return { messages, chars }
  }
  const said = [first, last]
  return { messages: said, chars: JSON.stringify(said).length }
}
