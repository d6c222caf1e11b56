/** A tool that the agent offers to the model. */

import type Anthropic from '@anthropic-ai/sdk'

export interface Tool {
  readonly definition: Anthropic.Tool
  /** Runs the tool. The text is for the model, also after a failure; it throws only for bugs. */
  run(input: unknown, signal: AbortSignal): Promise<ToolOutcome>
}

export type ToolOutcome =
  | { readonly status: 'ok'; readonly text: string }
  | { readonly status: 'failed'; readonly text: string }

export function ok(text: string): ToolOutcome {
  return { status: 'ok', text }
}

export function failed(text: string): ToolOutcome {
  return { status: 'failed', text }
}

/** The named fields of a tool's input, which must be strings, or a sentence that names one that is not. */
export function readStrings<Name extends string>(
  input: unknown,
  names: readonly Name[],
): Readonly<Record<Name, string>> | string {
  const fields: [Name, string][] = []
  for (const name of names) {
    const value: unknown =
      typeof input === 'object' && input !== null ? Reflect.get(input, name) : undefined
    if (typeof value !== 'string') return `The input '${name}' must be a string.`
    fields.push([name, value])
  }
  return Object.fromEntries(fields) as Record<Name, string>
}

/** The definition of a tool whose inputs are strings, all of them required. */
export function define(
  name: string,
  description: string,
  inputs: Readonly<Record<string, string>>,
): Anthropic.Tool {
  return {
    name,
    description,
    input_schema: {
      type: 'object',
      properties: Object.fromEntries(
        Object.entries(inputs).map(([input, meaning]) => [
          input,
          { type: 'string', description: meaning },
        ]),
      ),
      required: Object.keys(inputs),
      additionalProperties: false,
    },
  }
}
