import { scenario } from '../scenario.ts'
import { appWith } from './ai-sdk.ts'

export const app = appWith(async ({ load, api }) => {
  const { createAmazonBedrock } = await load('@ai-sdk/amazon-bedrock')
  return createAmazonBedrock({
    region: 'us-east-1',
    baseURL: api,
    accessKeyId: 'a',
    secretAccessKey: 's',
  })(scenario.model)
})
