/** All tools of the agent, by name. */

import { createFileTools } from './file-tools.ts'
import { createRunCommand } from './run-command.ts'
import { failed, type ToolOutcome } from './tool.ts'
import type { Workspace } from './workspace.ts'

export type Toolbox = ReturnType<typeof createToolbox>

export function createToolbox(workspace: Workspace) {
  const tools = [...createFileTools(workspace), createRunCommand(workspace)]
  const byName = new Map(tools.map((tool) => [tool.definition.name, tool]))

  return {
    definitions: tools.map((tool) => tool.definition),

    /** Never throws: an unknown tool, an invalid input and a bug become failures that the model can read. */
    async run(name: string, input: unknown, signal: AbortSignal): Promise<ToolOutcome> {
      const tool = byName.get(name)
      if (tool === undefined) return failed(`There is no tool called '${name}'.`)
      try {
        return await tool.run(input, signal)
      } catch (error) {
        return failed(`The tool failed: ${error instanceof Error ? error.message : String(error)}`)
      }
    },
  }
}
