/** A tool that the agent offers to the model. */

export interface ToolDefinition {
  readonly name: string
  readonly description: string
  readonly inputSchema: InputSchema
}

/** A JSON schema. */
export interface InputSchema {
  readonly type: 'object'
  readonly properties: Record<string, object>
  readonly required: string[]
  readonly additionalProperties: false
}

export interface Tool {
  readonly definition: ToolDefinition
  /** Runs the tool. The text is for the model, also after a failure; it throws only for bugs. */
  run(input: unknown, signal: AbortSignal): Promise<ToolOutcome>
}

export interface ToolOutcome {
  readonly status: 'ok' | 'failed'
  readonly text: string
}

export function ok(text: string): ToolOutcome {
  return { status: 'ok', text }
}

export function failed(text: string): ToolOutcome {
  return { status: 'failed', text }
}

/** A tool whose inputs are strings, all of them required. `run` is called only when all are given. */
export function defineTool<Name extends string>(
  name: string,
  description: string,
  meanings: Readonly<Record<Name, string>>,
  run: (inputs: Readonly<Record<Name, string>>, signal: AbortSignal) => Promise<ToolOutcome>,
): Tool {
  const properties: Record<string, object> = {}
  for (const [input, meaning] of Object.entries(meanings)) {
    properties[input] = { type: 'string', description: meaning }
  }
  const required = Object.keys(meanings)
  return {
    definition: {
      name,
      description,
      inputSchema: { type: 'object', properties, required, additionalProperties: false },
    },
    async run(input, signal) {
      const given: Readonly<Record<string, unknown>> = Object(input)
      const missing = required.find((each) => typeof given[each] !== 'string')
      return missing === undefined
        ? run(given as Record<Name, string>, signal)
        : failed(`The input '${missing}' must be a string.`)
    },
  }
}
