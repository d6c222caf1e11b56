/**
 * The one turn that every app runs: the model asks for a tool that writes a file, gets the tool's result, and answers. The
 * scripted server and the comparison with the records use the same values.
 */
export const scenario = {
  prompt: 'Please write the greeting.',
  instructions: 'You write files.',
  model: 'model-of-the-test',
  tool: {
    name: 'write_file',
    description: 'Writes a text to a file.',
    parameters: {
      type: 'object',
      properties: { path: { type: 'string' }, text: { type: 'string' } },
      required: ['path', 'text'],
      additionalProperties: false,
    },
  },
  callId: 'call_of_the_test',
  input: { path: 'greeting.txt', text: 'Grüße 🎈\n' },
  /** The server recognises a request with the tool's result by this text. */
  result: 'The file is written.',
  answer: 'The greeting is in greeting.txt. 🎈',
  /** Tokens of each of the two model calls. */
  usage: { input: 11, output: 7 },
} as const
