import type { App, Loaded, Surroundings } from '../app.ts'
import { scenario } from '../scenario.ts'

/** One turn of the AI SDK with the model that a provider's package makes. `more`: further settings of the call. */
export function appWith(
  modelOf: (surroundings: Surroundings) => Promise<Loaded>,
  more: object = {},
): App {
  return async (surroundings) => {
    const { isStreamed, prompt, retries, signal, load, writeFile } = surroundings
    const ai = await load('ai')
    const schema = ai.jsonSchema(scenario.tool.parameters)
    const { name, description } = scenario.tool
    const stepCountIs = ai.isStepCount ?? ai.stepCountIs
    const request = {
      model: await modelOf(surroundings),
      prompt,
      maxRetries: retries,
      abortSignal: signal,
      // Version 4 names the schema and the limit of steps otherwise than later versions.
      ...(stepCountIs === undefined ? { maxSteps: 3 } : { stopWhen: stepCountIs(3) }),
      tools: {
        [name]: ai.tool({
          description,
          ...(stepCountIs === undefined ? { parameters: schema } : { inputSchema: schema }),
          execute: writeFile,
        }),
      },
      ...more,
    }
    if (!isStreamed) return (await ai.generateText(request)).text
    let text = ''
    for await (const piece of ai.streamText(request).textStream) text += piece
    return text
  }
}
