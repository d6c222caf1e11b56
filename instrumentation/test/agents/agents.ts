/** Command-line agents from npm, each with what it needs to run against the scripted model, without an account. */
import * as path from 'node:path'

/** What a run gives to an agent. */
export interface AgentSurroundings {
  /** The scripted model server. */
  readonly api: string
  readonly prompt: string
  /** The user's home. */
  readonly home: string
}

/** How the agent is used in a terminal. */
export interface TerminalSession {
  readonly args: readonly string[]
  /** It shows this when it waits for the user. */
  readonly ready: string
  /** The key that stops an answer. */
  readonly interrupt: string
  /** The keys that end the session, one after the other. */
  readonly leave: readonly string[]
}

export interface CommandLineAgent {
  readonly package: string
  readonly version: string
  /** The command that the package installs; it runs JavaScript. */
  readonly command: string
  /** The model API that it is run on. */
  readonly api: string
  /** What it prints in some runs only, also without the preload. */
  readonly chance?: RegExp
  /** What it asks the model by itself, each a turn of its own. */
  readonly ownTexts?: readonly string[]
  readonly args: (surroundings: AgentSurroundings) => readonly string[]
  readonly env: (surroundings: AgentSurroundings) => Readonly<Record<string, string>>
  readonly session?: TerminalSession
  /** Files of the user's home, by their paths. */
  readonly home?: (surroundings: AgentSurroundings) => Readonly<Record<string, string>>
}

const json = (value: object): string => JSON.stringify(value, null, 2)

const claudeCode: Omit<CommandLineAgent, 'version'> = {
  package: '@anthropic-ai/claude-code',
  command: 'claude',
  api: 'Anthropic Messages',
  args: ({ prompt }) => ['--print', prompt, '--allowedTools', 'Write,Bash'],
  env: ({ api }) => ({
    ANTHROPIC_API_KEY: 'k',
    ANTHROPIC_BASE_URL: api,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
  }),
}

export const agents: readonly CommandLineAgent[] = [
  {
    package: '@google/gemini-cli',
    version: '0.61.0',
    command: 'gemini',
    api: 'Gemini',
    // Whether a phase of its start is measured before it ends.
    chance: /^\[STARTUP\] .*\n/gm,
    args: ({ prompt }) => ['--yolo', '--prompt', prompt],
    env: ({ api }) => ({
      GEMINI_API_KEY: 'k',
      GOOGLE_GEMINI_BASE_URL: api,
      GEMINI_CLI_TRUST_WORKSPACE: 'true',
    }),
    home: () => ({
      '.gemini/settings.json': json({
        security: { auth: { selectedType: 'gemini-api-key' } },
        privacy: { usageStatisticsEnabled: false },
        general: { disableAutoUpdate: true },
      }),
    }),
  },
  {
    package: '@qwen-code/qwen-code',
    version: '0.24.4',
    command: 'qwen',
    api: 'OpenAI Chat Completions',
    args: ({ prompt }) => ['--yolo', '--prompt', prompt],
    env: ({ api }) => ({ OPENAI_API_KEY: 'k', OPENAI_BASE_URL: `${api}/v1`, OPENAI_MODEL: 'm' }),
    home: () => ({
      '.qwen/settings.json': json({ privacy: { usageStatisticsEnabled: false } }),
    }),
  },
  {
    package: '@earendil-works/pi-coding-agent',
    version: '1.6.0',
    command: 'pi',
    api: 'OpenAI Chat Completions',
    args: ({ prompt }) => ['--provider', 'local', '--model', 'm', '--print', prompt],
    env: () => ({ PI_OFFLINE: '1' }),
    session: {
      args: ['--provider', 'local', '--model', 'm'],
      ready: 'show full startup help',
      interrupt: '\u001b',
      leave: ['\u0003', '\u0003'],
    },
    home: ({ api }) => ({
      '.pi/agent/models.json': json({
        providers: {
          local: {
            baseUrl: `${api}/v1`,
            api: 'openai-completions',
            apiKey: 'k',
            models: [{ id: 'm', name: 'm', contextWindow: 100_000, maxTokens: 4_000 }],
          },
        },
      }),
    }),
  },
  {
    package: '@vibe-kit/grok-cli',
    version: '0.0.34',
    command: 'grok',
    api: 'OpenAI Chat Completions',
    args: ({ prompt }) => ['--prompt', prompt],
    env: ({ api }) => ({ GROK_API_KEY: 'k', GROK_BASE_URL: `${api}/v1` }),
  },
  {
    package: '@continuedev/cli',
    version: '1.5.47',
    command: 'cn',
    api: 'OpenAI Chat Completions',
    args: ({ prompt, home }) => [
      '--auto',
      '--config',
      path.join(home, 'local.yaml'),
      '--print',
      prompt,
    ],
    env: () => ({ CONTINUE_TELEMETRY_ENABLED: '0' }),
    home: ({ api }) => ({
      'local.yaml': [
        'name: local',
        'version: 1.0.0',
        'schema: v1',
        'models:',
        '  - name: m',
        '    provider: openai',
        '    model: m',
        '    apiKey: k',
        `    apiBase: ${api}/v1`,
        '    roles: [chat]',
        '    capabilities: [tool_use]',
        '',
      ].join('\n'),
    }),
  },
  // The last version that is JavaScript.
  { version: '2.1.112', ...claudeCode },
  // It asks a model about each command, and warms up its agents.
  { version: '2.0.50', ownTexts: ['Warmup'], ...claudeCode },
]

export function nameOf({ package: name, version }: CommandLineAgent): string {
  return `${name} ${version}`
}
