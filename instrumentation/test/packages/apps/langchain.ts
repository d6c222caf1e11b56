import { agentWith, openAiModel } from './langchain-parts.ts'

export const app = agentWith(openAiModel)
