/**
 * What the model says to a command-line agent: it asks for a tool that writes a file, then for one that runs a command, then it
 * answers. It takes the tools that the request offers, whatever an agent calls them.
 */
import { asArray, asObject, asString, isObject, type JsonObject } from '@turnlog/conventions/plain'
import type { Asked } from '../packages/server/server.ts'
import type { Said } from '../packages/server/wire.ts'

export const script = {
  prompts: ['Please write the greeting.', 'Now add the farewell, please.'],
  file: 'greeting.txt',
  written: 'Hello\n',
  added: 'Good-bye\n',
  /** Runs as a tool. */
  command: `printf 'Good-bye\\n' >> greeting.txt`,
  answer: 'All done, the greeting is there.',
  /** The answer to this one is interrupted. */
  longPrompt: 'Tell me a long story.',
  longAnswer: 'Once upon a time, there was a greeting that nobody had written.',
} as const

interface OfferedTool {
  readonly name: string
  readonly parameters: readonly string[]
}

/** Results of tools, in the words of the APIs. */
const resultMarks = /"role":"tool"|"type":"tool_result"|"functionResponse"|"function_call_output"/g
const writers = /^(?:write_file|write|create_file|writefile)$/i
const shells = /^(?:run_shell_command|bash|shell|run_terminal_command|runterminalcommand)$/i

/** `folder`: the workspace. */
export function scriptedReply(folder: string) {
  let count = 0
  return ({ body, text }: Asked): Said => {
    if (isLong(text)) return { text: script.longAnswer, isEndless: true }
    const schema = schemaOf(body)
    if (schema !== undefined) return { text: JSON.stringify(exampleOf(schema)) }
    const tools = toolsOf(body)
    const step = resultsAfterPrompt(text)
    const tool = tools.find(({ name }) => [writers, shells][step]?.test(name) === true)
    if (tool === undefined) return { text: script.answer }
    count += 1
    const input = step === 0 ? writeInput(tool, folder) : shellInput(tool)
    return { text: script.answer, calls: [{ id: `call_${count}`, name: tool.name, input }] }
  }
}

/** The user has asked for it last. */
function isLong(text: string): boolean {
  const last = text.lastIndexOf(script.longPrompt)
  return last > Math.max(...script.prompts.map((prompt) => text.lastIndexOf(prompt)))
}

/** How many results of tools the request brings after what the user has asked last. */
function resultsAfterPrompt(text: string): number {
  const last = Math.max(...script.prompts.map((prompt) => text.lastIndexOf(prompt)))
  return text.slice(Math.max(last, 0)).match(resultMarks)?.length ?? 0
}

function writeInput({ parameters }: OfferedTool, folder: string): JsonObject {
  return valuesOf(parameters, (name) => {
    if (/path|^filename$/i.test(name)) return `${folder}/${script.file}`
    return /^(?:content|contents|text)$/i.test(name) ? script.written : undefined
  })
}

function shellInput({ parameters }: OfferedTool): JsonObject {
  return valuesOf(parameters, (name) => {
    if (name === 'command') return script.command
    if (name === 'description') return 'Adds a line.'
    return name === 'is_background' ? false : undefined
  })
}

function valuesOf(names: readonly string[], read: (name: string) => unknown): JsonObject {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = read(name)
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/** The tools that the request offers, in any of the APIs. */
function toolsOf({ tools }: JsonObject): readonly OfferedTool[] {
  return (asArray(tools) ?? []).filter(isObject).flatMap((tool) => {
    const declared = asArray(tool.functionDeclarations) ?? [asObject(tool.function) ?? tool]
    return declared.filter(isObject).map((each) => ({
      name: asString(each.name) ?? '',
      parameters: Object.keys(
        asObject(
          (
            asObject(each.parameters) ??
            asObject(each.parametersJsonSchema) ??
            asObject(each.input_schema)
          )?.properties,
        ) ?? {},
      ),
    }))
  })
}

/** The schema of the answer that the request wants, as for a check. */
function schemaOf({ generationConfig }: JsonObject): JsonObject | undefined {
  const config = asObject(generationConfig)
  return asObject(config?.responseJsonSchema) ?? asObject(config?.responseSchema)
}

function exampleOf({ properties }: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(asObject(properties) ?? {}).map(([name, schema]) => [
      name,
      valueFor(asObject(schema) ?? {}),
    ]),
  )
}

function valueFor({ type, enum: values }: JsonObject): unknown {
  const examples: JsonObject = { number: 1, integer: 1, boolean: false, array: [], object: {} }
  return asArray(values)?.[0] ?? examples[String(type).toLowerCase()] ?? 'user'
}
