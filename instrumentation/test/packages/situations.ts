/** What happens in a run of an app: the turn of the scenario, or one in which something fails. The model's script for each. */
import { scenario } from './scenario.ts'
import type { Asked } from './server/server.ts'
import type { Said } from './server/wire.ts'

export const situations = [
  'tool',
  'two tools',
  'failing tool',
  'retry',
  'refusal',
  'abort',
  'cut answer',
  'no connection',
] as const
export type Situation = (typeof situations)[number]

/** What is said of failures. */
export const failures = {
  tool: 'The disk is full.',
  refusal: 'The model cannot do this.',
} as const

/** What a tool throws. */
export class DiskFull extends Error {
  override readonly name = 'DiskFull'
}

/** The second file, if the model asks for two. */
export const secondInput = { path: 'farewell.txt', text: 'Tschüß\n' } as const

/** What the model says to each request. */
export function scriptOf(situation: Situation): (asked: Asked) => Said {
  const { answer: text, callId: id, input, tool } = scenario
  const { name } = tool
  const first = { id, name, input }
  const second = { id: `${id}_2`, name, input: secondInput }
  const calls = situation === 'two tools' ? [first, second] : [first]
  let requests = 0
  return (asked) => {
    requests += 1
    if (situation === 'abort') return { text, isEndless: true }
    if (situation === 'cut answer') return { text, isCut: true }
    if (situation === 'refusal') return { text, status: 400 }
    if (situation === 'retry' && requests === 1) return { text, status: 429 }
    return { text, calls: hasResult(asked) ? [] : calls }
  }
}

/** Some frameworks tell the model in words of their own that a tool has failed. */
function hasResult({ text }: Asked): boolean {
  return text.includes(scenario.result) || resultMarks.test(text)
}

const resultMarks =
  /"role":"tool"|"type":"tool_result"|"functionResponse"|"function_call_output"|"toolResult"/
