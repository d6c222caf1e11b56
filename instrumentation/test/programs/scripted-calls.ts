/**
 * Makes the model calls of `STEPS`, a JSON array of rounds: the calls of one round are made at once, each round after the one
 * before. Knows nothing of telemetry.
 */
import * as fs from 'node:fs'

interface Call {
  readonly body: object
  /** A file that is written when the answer has come. */
  readonly writes?: string
}

const { API = '', STEPS = '[]' } = process.env
const rounds: readonly (readonly Call[])[] = JSON.parse(STEPS)

for (const round of rounds) {
  const answers = await Promise.all(
    round.map(({ body }) =>
      fetch(`${API}/v1/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }).then((response) => response.text()),
    ),
  )
  for (const [index, { writes }] of round.entries()) {
    if (writes !== undefined) fs.writeFileSync(writes, answers[index] ?? '')
  }
}
