/**
 * The secret formats that are redacted: one table, in order of rank.
 *
 * A rule is tried only where the text contains one of its anchors, so clean text costs one pass of a regular expression that
 * has only the anchors. The rule's pattern is sticky and runs at the anchor. If a group of the pattern matched, the group is
 * the secret and ends the match; the text before the group stays readable.
 *
 * Invariants that keep the time linear for any text:
 * - Every repetition has a limit. Without one, a long run overflows the engine's stack, which throws.
 * - A pattern that fails has read a bounded number of characters, or characters in which no other anchor can begin.
 * - A pattern that matches is not tried again inside its match.
 *
 * If two rules find the same text, the higher one in the table names it. So particular formats come before general
 * assignments.
 */
import { isRandom, isRandomOrHex } from './randomness.ts'

export interface SecretRule {
  /** The name in the marker, `[REDACTED:name]`. */
  readonly name: string
  /** Literals; every match begins with one of them. Lower case if `ignoresCase`. */
  readonly anchors: readonly string[]
  readonly ignoresCase?: true
  /**
   * The characters that may not precede the anchor: letters and digits (`word`), or those and `-`, `_` (`token`). The letter of
   * an escape such as `\n` and the digits of `%20` are allowed.
   */
  readonly boundary?: 'word' | 'token'
  /** Sticky. The group that matched, if any, is the secret and ends the match. */
  readonly pattern: RegExp
  /** Decides whether the matched text is a secret; without it, every match is. */
  readonly isSecret?: (secret: string) => boolean
}

/** The text between a key and its value in source code, JSON (also JSON within JSON), YAML, `.env` and shells. */
const assigned = String.raw`(?:\\*["'\x60])?\s{0,8}(?::=|=>|[:=])\s{0,8}`
/** A value in quotes, or without characters that could begin or be part of another assignment. */
const value = String.raw`(?:\\*["'\x60]([^\s"'\x60\\]{8,4096})(?=\\*["'\x60])|([^\s"'\x60\\,;:=&|<>(){}[\]$]{8,4096}={0,2})(?=[\s"'\x60\\,;&|<>)}\]]|$))`

/** A key of a fixed format, found where a word begins. */
function key<const Name extends string>(name: Name, anchors: readonly string[], pattern: RegExp) {
  return { name, anchors, boundary: 'word', pattern } as const
}

/** A random value that is assigned to a name. `names` is the source of a pattern. */
function assignment<const Name extends string>(
  name: Name,
  anchors: readonly string[],
  names: string,
) {
  const pattern = new RegExp(`(?:${names})${assigned}${value}`, 'iy')
  return { name, anchors, ignoresCase: true, pattern, isSecret: isRandomOrHex } as const
}

const passwords = 'password|passwd|passphrase|pwd'
const tokens = 'auth|access|refresh|api|bearer|bot|session|github|gitlab|npm|telemetry'
const options = 'password|passwd|passphrase|token|api-key|secret|auth-token'

export const secretRules = [
  {
    name: 'private-key',
    anchors: ['-----BEGIN'],
    // The body is found by `redact.ts`: a block ends at its END line, a cut one with its last base64 line.
    pattern: /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/y,
  },
  key('aws-access-key', ['AKIA', 'ASIA'], /A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])/y),
  key(
    'github-token',
    ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'github_pat_'],
    /(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{40,255})/y,
  ),
  key('gitlab-token', ['glpat-'], /glpat-[A-Za-z0-9_-]{20,255}/y),
  {
    ...key(
      'slack-token',
      [...[...'abcdeoprs'].map((kind) => `xox${kind}-`), 'xoxe.', 'xapp-'],
      /(?:xox[a-z][-.]|xapp-)[A-Za-z0-9%.-]{10,512}/y,
    ),
    isSecret: isRandom,
  },
  {
    name: 'slack-webhook',
    anchors: ['hooks.slack.com/'],
    pattern: /hooks\.slack\.com\/(?:services|workflows)\/([A-Za-z0-9_/-]{20,200})/y,
  },
  key(
    'stripe-key',
    ['sk_live_', 'rk_live_', 'whsec_'],
    /(?:[sr]k_live_|whsec_)[A-Za-z0-9+/]{16,255}/y,
  ),
  { ...key('anthropic-key', ['sk-ant-'], /sk-ant-[A-Za-z0-9_-]{20,512}/y), isSecret: isRandom },
  // Newer keys name their purpose; older ones have only letters and digits.
  {
    ...key(
      'openai-key',
      ['sk-'],
      /sk-(?:(?:proj|svcacct|admin|None|or-v1)-[A-Za-z0-9_-]{20,512}|[A-Za-z0-9]{20,255}(?![A-Za-z0-9_-]))/y,
    ),
    isSecret: isRandom,
  },
  key('google-api-key', ['AIza'], /AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])/y),
  key('google-oauth-secret', ['GOCSPX-', 'ya29.'], /(?:GOCSPX-|ya29\.)[A-Za-z0-9_-]{24,512}/y),
  key('npm-token', ['npm_'], /npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])/y),
  { ...key('pypi-token', ['pypi-'], /pypi-[A-Za-z0-9_-]{40,512}/y), isSecret: isRandom },
  key('sendgrid-key', ['SG.'], /SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,128}/y),
  key('twilio-key', ['SK'], /SK[0-9a-f]{32}(?![A-Za-z0-9])/y),
  key('huggingface-token', ['hf_'], /hf_[A-Za-z0-9]{34,64}(?![A-Za-z0-9])/y),
  key('digitalocean-token', ['dop_v1_', 'doo_v1_', 'dor_v1_'], /do[opr]_v1_[0-9a-f]{64}/y),
  { ...key('vault-token', ['hvs.', 'hvb.'], /hv[sb]\.[A-Za-z0-9_-]{24,512}/y), isSecret: isRandom },
  {
    ...key(
      'turnlog-token',
      ['turnlog_', 'tlt_', 'tl_'],
      /(?:turnlog|tlt|tl)_[A-Za-z0-9_-]{20,255}/y,
    ),
    isSecret: isRandomOrHex,
  },
  {
    name: 'jwt',
    anchors: ['eyJ'],
    // `token`, so that a run of base64url is read once, from its beginning.
    boundary: 'token',
    pattern:
      /eyJ[A-Za-z0-9_-]{8,16384}\.[A-Za-z0-9_-]{8,16384}\.[A-Za-z0-9_-]{8,16384}(?:\.[A-Za-z0-9_-]{1,16384}){0,2}/y,
  },
  {
    name: 'azure-account-key',
    anchors: ['AccountKey=', 'SharedAccessKey='],
    pattern: /(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{40,128}={0,2})/y,
  },
  {
    name: 'aws-secret-key',
    anchors: [
      'secret_access_key',
      'secretaccesskey',
      'aws_secret_key',
      'awssecretkey',
      'aws_secret',
    ],
    ignoresCase: true,
    pattern: new RegExp(
      String.raw`(?:secret_?access_?key|aws_?secret(?:_?key)?)${assigned}(?:\\*["'\x60])?([A-Za-z0-9+/]{40})(?![A-Za-z0-9+/])`,
      'iy',
    ),
    isSecret: isRandom,
  },
  {
    name: 'authorization',
    anchors: ['bearer ', 'basic ', 'bearer%20', 'basic%20'],
    ignoresCase: true,
    boundary: 'word',
    pattern: /(?:bearer|basic)(?:%20| {1,4})([A-Za-z0-9+/._~-]{16,8192}={0,2})/iy,
    isSecret: isRandomOrHex,
  },
  {
    name: 'authorization',
    anchors: ['authorization'],
    ignoresCase: true,
    pattern: new RegExp(
      String.raw`authorization${assigned}(?:\\*["'\x60])?(?:bearer|basic|token|apikey|bot)\s{1,4}([A-Za-z0-9+/._~-]{6,8192}={0,2})`,
      'iy',
    ),
    isSecret: (secret) => !placeholder.test(secret),
  },
  {
    name: 'url-password',
    // The second anchor is the escaped form in JSON, `:\/\/`.
    anchors: ['://', ':\\'],
    pattern:
      /:\\{0,8}\/\\{0,8}\/[^\s/:@"'`\\<>()[\]{}$?#]{0,128}:([^\s/"'`\\<>()[\]{}?#,;]{1,256})(?=@[^\s@/"'`\\])/y,
    isSecret: (secret) => !placeholder.test(secret),
  },
  assignment('password', passwords.split('|'), passwords),
  assignment(
    'api-key',
    ['api_key', 'api-key', 'apikey', 'access_key', 'access-key', 'accesskey', 'account_key'],
    '(?:api|access|account)[_-]?key',
  ),
  // Not after a colon: `arn:aws:secretsmanager:…:secret:name` is an address.
  assignment(
    'secret',
    ['secret', 'private_key', 'privatekey', 'encryption_key', 'signing_key'],
    '(?<!:)(?:secret(?:[_-]?(?:access[_-]?)?key(?:[_-]?base)?)?|private_?key|(?:encryption|signing)_key)',
  ),
  // A bare `token` may also be a cursor, a word or a count, so only qualified names are anchors.
  assignment(
    'token',
    tokens.split('|').flatMap((what) => [`${what}_token`, `${what}-token`, `${what}token`]),
    `(?:${tokens})[_-]?token`,
  ),
  {
    name: 'command-line',
    anchors: options.split('|').map((option) => `--${option}`),
    pattern: new RegExp(`--(?:${options})(?:=|\\s{1,4})${value}`, 'y'),
    isSecret: isRandomOrHex,
  },
  {
    name: 'command-line',
    // curl -u name:password
    anchors: ['-u ', '--user '],
    pattern: new RegExp(`(?<=\\s)(?:-u|--user) {1,4}["']?[A-Za-z0-9_.@-]{1,128}:${value}`, 'y'),
    isSecret: isRandomOrHex,
  },
] as const satisfies readonly SecretRule[]

export type SecretName = (typeof secretRules)[number]['name']

/** Placeholders for a secret in documents: a variable, `***`, `%s`, `xxxx`. */
const placeholder = /^(?:[$%{<*].*|[x*.•]+|\[?REDACTED.*|password|pass|pwd|secret|token)$/i
