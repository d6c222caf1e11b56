/** Models at Bedrock's `invoke` that take one text: Llama, Titan, Mistral, DeepSeek, Command, Jurassic. Pure. */
import {
  asArray,
  asNumber,
  asObject,
  asString,
  firstNumber,
  type JsonObject,
} from '@turnlog/conventions/plain'
import type { ModelRequest } from '../map-exchange.ts'

/** The text stays as it is, with the marks that the app has put around what each side has said. */
export function promptRequest(request: JsonObject): ModelRequest {
  const settings = asObject(request.textGenerationConfig) ?? request
  const { max_gen_len, max_tokens, maxTokens, maxTokenCount, top_p, topP, p, top_k, k } = settings
  const text = asString(request.prompt) ?? asString(request.inputText)
  const images = asArray(request.images) ?? []
  const stops = [settings.stop, settings.stop_sequences, settings.stopSequences].flatMap(
    (each) => asArray(each) ?? [],
  )
  const stopSequences = stops.filter((each) => typeof each === 'string')
  return {
    attributes: {
      'gen_ai.request.max_tokens': firstNumber(max_gen_len, max_tokens, maxTokens, maxTokenCount),
      'gen_ai.request.temperature': asNumber(settings.temperature),
      'gen_ai.request.top_p': firstNumber(top_p, topP, p),
      'gen_ai.request.top_k': firstNumber(top_k, k),
      'gen_ai.request.stop_sequences': stopSequences.length > 0 ? stopSequences : undefined,
    },
    messages:
      text === undefined
        ? undefined
        : [
            {
              role: 'user',
              parts: [
                ...images.map((content) => ({ type: 'blob', modality: 'image', content })),
                { type: 'text', content: text },
              ],
            },
          ],
    toolResults: [],
  }
}
