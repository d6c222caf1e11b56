/**
 * An editor's helper that has texts completed: with OpenAI's SDK, whole and streamed, and by a request to llama.cpp. Prints what it got.
 * Knows nothing of telemetry.
 */
import OpenAI from 'openai'

const { API = '' } = process.env
const client = new OpenAI({ apiKey: 'k', baseURL: `${API}/v1`, maxRetries: 0 })
const request = { model: 'gpt-3.5-turbo-instruct', suffix: 'return c', max_tokens: 9 }

const whole = await client.completions.create({ ...request, prompt: 'a = 1' })
console.log(whole.choices[0]?.text)
const stream = await client.completions.create({ ...request, prompt: 'b = 2', stream: true })
for await (const { choices } of stream) process.stdout.write(choices[0]?.text ?? '')
const answer = await fetch(`${API}/completion`, {
  method: 'POST',
  body: JSON.stringify({ prompt: 'c = 3', n_predict: 9 }),
})
console.log(`\n${((await answer.json()) as { content: string }).content}`)
