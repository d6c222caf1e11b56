/**
 * A session of a command-line agent in a terminal: the user asks two things one after the other, interrupts the answer to a third, and
 * leaves. Compares the records with that.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { type IPty, spawn } from '@lydell/node-pty'
import { difference, isToolCall, nameOf } from '../packages/compare-records.ts'
import { install } from '../packages/install.ts'
import { startModelServer } from '../packages/server/server.ts'
import { isTurn, textOf } from '../support/chat.ts'
import { type Recorded, readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'
import type { CommandLineAgent, TerminalSession } from './agents.ts'
import { script, scriptedReply } from './script.ts'
import { commandOf, packagesOf, preloadOf } from './start-agent.ts'

/** A step of a session takes some seconds. */
const stepMsMax = 60_000
const pollMs = 50
/** While it works, it moves something on the screen. */
const quietMs = 1_000
/** It asks for two tools, and answers. */
const callsPerTurn = 3

/** What is not as it must be. */
export async function runSession(
  agent: CommandLineAgent,
  session: TerminalSession,
): Promise<string | undefined> {
  await install(packagesOf(agent))
  using workspace = makeWorkspace()
  await using api = await startModelServer(scriptedReply(workspace.folder))
  const [prompt] = script.prompts
  const { args, env } = commandOf(agent, { api: api.url, prompt, workspace })
  const [program = ''] = args
  const child = spawn(process.execPath, [program, ...session.args], {
    cwd: workspace.folder,
    cols: 120,
    rows: 40,
    env: { ...env, ...preloadOf(workspace), TERM: 'xterm-256color' },
  })
  const terminal = watch(child)
  try {
    await terminal.until(() => terminal.shows(session.ready))
    for (const [index, text] of script.prompts.entries()) {
      await terminal.type(text)
      await terminal.until(() => api.answers.count >= callsPerTurn * (index + 1))
      await terminal.until(() => terminal.shows(script.answer) && terminal.isQuiet())
    }
    await terminal.type(script.longPrompt)
    await terminal.until(() => terminal.shows(script.longAnswer.slice(0, 10)))
    child.write(session.interrupt)
    await terminal.until(() => api.answers.interrupted > 0)
    await terminal.leave(session.leave)
  } catch (error) {
    return String(error)
  } finally {
    terminal.kill()
  }
  return faultOf(readRecorded(workspace.spool))
}

/** The screen is not drawn: what the agent has written since the last step is enough. */
function watch(child: IPty) {
  let written = ''
  let isOver = false
  let writtenAt = 0
  child.onData((text) => {
    written += text
    writtenAt = performance.now()
  })
  child.onExit(() => (isOver = true))
  const terminal = {
    shows: (text: string) =>
      stripVTControlCharacters(written).replaceAll(/\s+/g, ' ').includes(text),
    isQuiet: () => performance.now() - writtenAt > quietMs,
    async until(isTrue: () => boolean): Promise<void> {
      const until = performance.now() + stepMsMax
      while (!isTrue()) {
        if (performance.now() > until || isOver) {
          throw new Error(`It does not go on: ${stripVTControlCharacters(written).slice(-1_000)}`)
        }
        await sleep(pollMs)
      }
    },
    /** Enter comes by itself: with text, terminals take it for a part of what is pasted. */
    async type(text: string): Promise<void> {
      written = ''
      child.write(text)
      await terminal.until(() => terminal.shows(text))
      written = ''
      child.write('\r')
    },
    async leave(keys: readonly string[]): Promise<void> {
      for (const key of keys) {
        child.write(key)
        await sleep(pollMs)
      }
      const until = performance.now() + stepMsMax
      while (!isOver && performance.now() < until) await sleep(pollMs)
      if (!isOver) throw new Error('It does not end.')
    },
    kill(): void {
      if (!isOver) child.kill('SIGKILL')
    },
  }
  return terminal
}

function faultOf(recorded: Recorded): string | undefined {
  const turns = recorded.spans.filter(isTurn).toSorted((a, b) => a.startMs - b.startMs)
  const [first, second, third] = turns
  const texts = (name: string) => turns.map((turn) => textOf(turn, name) ?? '')
  const { answer, longAnswer, longPrompt, prompts } = script
  const answers = texts('gen_ai.output.messages')
  const isBegun = longAnswer.startsWith(answers[2] ?? '-')
  const toolCalls = turns.map(({ traceId }) =>
    recorded.spans.filter((span) => isToolCall(span) && span.traceId === traceId).map(nameOf),
  )
  return (
    difference('prompts', texts('gen_ai.input.messages'), [...prompts, longPrompt]) ??
    difference('answers', answers.slice(0, 2), [answer, answer]) ??
    (isBegun ? undefined : `the interrupted answer: ${answers[2]}`) ??
    difference(
      'outcomes',
      turns.map(({ attributes }) => attributes['turnlog.turn.outcome']),
      ['completed', 'completed', 'aborted'],
    ) ??
    difference(
      'links',
      turns.map(({ links }) => links[0]?.spanId),
      [undefined, first?.spanId, second?.spanId],
    ) ??
    difference(
      'tool calls',
      toolCalls.map(({ length }) => length),
      [2, 2, 0],
    ) ??
    difference('turns', third === undefined || turns.length > 3 ? turns.length : 3, 3)
  )
}
