import { expect, test } from 'vitest'
import { agentIn } from '../../src/observe/agent-command.ts'
import { shellWords } from '../../src/observe/child-command.ts'

const script = '/app/node_modules/@anthropic-ai/claude-agent-sdk/cli.js'

test.for<readonly [line: string, words: readonly (string | undefined)[]]>([
  ['claude -p hi', ['claude', '-p', 'hi']],
  [`claude -p "two words" 'and $HOME'`, ['claude', '-p', 'two words', 'and $HOME']],
  [String.raw`a\ b "say \"it\"" c"d e"f`, ['a b', 'say "it"', 'cd ef']],
  ['claude -p "$PROMPT" `pwd`', ['claude', '-p', undefined, undefined]],
  ['claude -p "unclosed', ['claude', '-p', 'unclosed']],
])('the words of a shell line: %s', ([line, words]) => {
  expect(shellWords(line)).toEqual(words)
})

test.for([
  ['/usr/bin/claude', ['-p', 'hi'], { name: 'claude', isAsked: true, prompt: 'hi' }],
  ['C:\\bin\\claude.exe', ['--print', '--verbose'], { isAsked: true, prompt: undefined }],
  ['node', [script, '--input-format', 'stream-json'], { readsText: false, isAsked: true }],
  ['claude', ['-p', 'hi', '--output-format=json'], { prompt: 'hi', answersText: false }],
  ['claude', [], { isAsked: false }],
  ['/bin/sh', ['-c', 'cd /app && claude -p hi | tee log'], { prompt: 'hi', isAsked: true }],
  ['codex', ['exec', 'hi'], { name: 'codex', isAsked: true, prompt: undefined }],
] as const)('%s %j is an agent', ([file, args, expected]) => {
  expect(agentIn({ file, args, folder: undefined })).toMatchObject(expected)
})

test.for([
  ['git', ['log', 'claude']],
  ['/bin/sh', ['-c', 'echo claude -p hi']],
  ['node', ['claude.js']],
] as const)('%s %j is none', ([file, args]) => {
  expect(agentIn({ file, args, folder: undefined })).toBeUndefined()
})
