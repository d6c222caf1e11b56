/** The agent's system prompt: the page AGENT.md, which people may read and change. */

import { readFile } from 'node:fs/promises'

const page = new URL('../../AGENT.md', import.meta.url)

export async function readSystemPrompt(): Promise<string> {
  return await readFile(page, 'utf8')
}
