/** Whether a command starts an agent, and what it asks of it: pure. */
import { asString } from '@turnlog/conventions/plain'
import { type Command, commandLine, shellWords } from './child-command.ts'

/** An agent that calls its models itself. */
export interface AgentCommand {
  readonly name: 'claude' | 'codex'
  /** It answers and ends, or is asked by messages: no person types to it. */
  readonly isAsked: boolean
  /** The user's text, if the arguments have it. */
  readonly prompt: string | undefined
  /** All that it reads is the user's text. */
  readonly readsText: boolean
  /** All that it writes is its answer. */
  readonly answersText: boolean
}

/** A word of a command; `undefined`: only the shell knows it. */
type Word = string | undefined

const shellPattern = /(?:^|[\\/])(?:(?:ba|da|z|k)?sh|cmd\.exe)$/
const separators: readonly Word[] = [';', '&', '&&', '|', '||']
/** Run by Node or another runtime. */
const claudeScript = /[\\/]@anthropic-ai[\\/]claude-(?:agent-sdk|code)[^\\/]*[\\/].*\.[cm]?js$/

export function agentIn(command: Command): AgentCommand | undefined {
  const words = [command.file, ...command.args]
  if (!shellPattern.test(command.file)) return agentOf(words)
  for (const part of partsOf(shellWords(commandLine(command.args)))) {
    const agent = agentOf(part)
    if (agent !== undefined) return agent
  }
  return undefined
}

function agentOf([program, ...args]: readonly Word[]): AgentCommand | undefined {
  const [, named] = /(?:^|[\\/])(claude|codex)(?:\.exe)?$/.exec(program ?? '') ?? []
  const name = named ?? (claudeScript.test(args[0] ?? '') ? 'claude' : undefined)
  if (name !== 'claude') return name === 'codex' ? codexCommand(args) : undefined
  const printsAt = args.findIndex((each) => each === '-p' || each === '--print')
  const readsText = optionOf(args, '--input-format') !== 'stream-json'
  const next = args[printsAt + 1]
  const hasPrompt = printsAt !== -1 && readsText && next?.startsWith('-') === false
  return {
    name,
    isAsked: printsAt !== -1 || !readsText,
    prompt: hasPrompt ? next : undefined,
    readsText,
    answersText: (optionOf(args, '--output-format') ?? 'text') === 'text',
  }
}

/** Its messages are not read. */
function codexCommand(args: readonly Word[]): AgentCommand {
  const isAsked = args.some((each) => each === 'exec' || each === 'e')
  return { name: 'codex', isAsked, prompt: undefined, readsText: false, answersText: false }
}

function partsOf(words: readonly Word[]): Word[][] {
  const parts: Word[][] = [[]]
  for (const word of words) {
    if (word !== undefined && separators.includes(word)) parts.push([])
    else parts.at(-1)?.push(word)
  }
  return parts
}

function optionOf(args: readonly Word[], name: string): Word {
  const at = args.findIndex((each) => each === name || each?.startsWith(`${name}=`))
  if (at === -1) return undefined
  const [, value] = (args[at] ?? '').split(/=(.*)/s)
  return value ?? asString(args[at + 1])
}
