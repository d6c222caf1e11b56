import { scenario } from '../scenario.ts'
import { agentWith } from './langchain-parts.ts'

export const app = agentWith(async ({ http2Api, isStreamed, retries, load }) => {
  const { BedrockRuntimeClient } = await load('@aws-sdk/client-bedrock-runtime')
  const { ChatBedrockConverse } = await load('@langchain/aws')
  const region = 'us-east-1'
  const credentials = { accessKeyId: 'a', secretAccessKey: 's' }
  return new ChatBedrockConverse({
    model: scenario.model,
    region,
    credentials,
    client: new BedrockRuntimeClient({ region, credentials, endpoint: http2Api }),
    streaming: isStreamed,
    maxRetries: retries,
  })
})
