/** The section of `docs/SUPPORT.md` about command-line agents, made from the list and `outcomes.json`. */
import { agents, nameOf } from './agents.ts'
import { type AgentAspect, agentAspects } from './compare-agent.ts'
import { type Outcomes, readOutcomes } from './outcomes.ts'
import type { AgentOutcome } from './run-agent.ts'

export function agentsSection(outcomes: Outcomes = readOutcomes()): readonly string[] {
  const known = agents.flatMap((agent) => {
    const outcome = outcomes[nameOf(agent)]
    return outcome === undefined ? [] : [{ agent, outcome }]
  })
  const notWhole = known.flatMap(({ agent, outcome }) =>
    Object.entries(outcome.notWhole).map(
      ([aspect, fault]) => `- ${nameOf(agent)}: ${aspect}: ${fault}`,
    ),
  )
  const ownTexts = known.flatMap(({ agent }) =>
    (agent.ownTexts ?? []).map(
      (text) =>
        `- ${nameOf(agent)} asks the model “${text}” by itself, which is a turn of its own.`,
    ),
  )
  return [
    '## Command-line agents',
    'Agents from npm, each started with `NODE_OPTIONS` in an empty home and workspace, against a local model server. The model asks for ' +
      'a tool that writes a file, then for one that runs a command, then it answers. Each agent runs without the preload and with ' +
      'it. *host*: its output, exit, files and requests are the same. *turn*: one, with prompt, answer and outcome, and nothing ' +
      'outside of it. *model call*: as many as the model has answered. *tokens*: their sum. *tool call*: two, with arguments and ' +
      'result. *files*: two operations, each below its tool call, with the contents before and after. *session*: in a terminal, ' +
      'three turns one after the other, each linked to the one before, of which the user stops the last. Made by ' +
      '`npm run test:agents`, from `instrumentation/test/agents`; do not edit.',
    '● whole · ○ not, with the reason below the table · empty: the model server was not asked for it, or it was not tried.',
    [
      `| agent | model API | ${agentAspects.join(' | ')} |`,
      `| --- | --- | ${agentAspects.map(() => '---').join(' | ')} |`,
      ...known.map(({ agent, outcome }) => {
        const marks = agentAspects.map((aspect) => markOf(aspect, outcome)).join(' | ')
        return `| ${nameOf(agent)} | ${agent.api} | ${marks} |`
      }),
    ].join('\n'),
    ...[ownTexts, notWhole].filter((lines) => lines.length > 0).map((lines) => lines.join('\n')),
  ]
}

function markOf(aspect: AgentAspect, { notWhole, missing }: AgentOutcome): string {
  if (missing.includes(aspect)) return ''
  return aspect in notWhole ? '○' : '●'
}
