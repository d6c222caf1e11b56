import { appWith } from './ai-sdk.ts'
import { openAiModel } from './ai-sdk-openai.ts'

/** Versions 4 to 6, with their own spans. */
export const app = appWith(openAiModel, {
  experimental_telemetry: { isEnabled: true, functionId: 'writer', metadata: { team: 'blue' } },
})
