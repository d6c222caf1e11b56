/**
 * For each rule what it must redact and what it must leave. No line holds a secret, not even a false one:
 * each is put together here, so that scanners of repositories have nothing to find.
 */
import type { SecretName } from '../../src/redact/secret-rules.ts'

/** The same random-looking characters each time. */
export function filler(length: number, alphabet = alphanumeric): string {
  let state = 7
  let out = ''
  for (let index = 0; index < length; index += 1) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    out += alphabet[(state >>> 0) % alphabet.length] ?? ''
  }
  return out
}

const alphanumeric = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const hex = '0123456789abcdef'
const base64 = `${alphanumeric}+/`
const base64url = `${alphanumeric}-_`

const dashes = '-----'
function pem(kind: string, body = `${filler(64, base64)}\n${filler(20, base64)}==`): string {
  return `${dashes}BEGIN ${kind}${dashes}\n${body}\n${dashes}END ${kind}${dashes}`
}

interface Examples {
  /** The part that must be gone, and the text it stands in; the part alone where it is the text. */
  readonly secrets: readonly (string | readonly [secret: string, text: string])[]
  readonly harmless: readonly string[]
}

const strong = `${filler(10)}7q!`
const token = filler(40, base64url)

export const secretExamples: Readonly<Record<SecretName, Examples>> = {
  'private-key': {
    secrets: [
      pem('RSA PRIVATE KEY'),
      pem('PRIVATE KEY'),
      pem('EC PRIVATE KEY'),
      pem('OPENSSH PRIVATE KEY'),
      pem('ENCRYPTED PRIVATE KEY'),
      pem(
        'PGP PRIVATE KEY BLOCK',
        `Version: GnuPG v2\n\n${filler(64, base64)}\n=${filler(4, base64)}`,
      ),
      pem(
        'RSA PRIVATE KEY',
        `Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,${filler(32, hex)}\n\n${filler(64, base64)}`,
      ),
      // Cut off: no END line.
      pem('RSA PRIVATE KEY').split(`\n${dashes}END`)[0] ?? '',
      // A service account, as JSON.
      [filler(64, base64), JSON.stringify({ private_key: pem('PRIVATE KEY') })],
      // JSON within JSON.
      [filler(64, base64), JSON.stringify(JSON.stringify({ private_key: pem('PRIVATE KEY') }))],
      // Put together in source code.
      [
        filler(64, base64),
        `"${dashes}BEGIN PRIVATE KEY${dashes}\\n" +\n"${filler(64, base64)}\\n" +\n"${dashes}END PRIVATE KEY${dashes}"`,
      ],
    ],
    harmless: [pem('PUBLIC KEY'), pem('CERTIFICATE'), 'a PEM file begins with -----BEGIN'],
  },
  'aws-access-key': {
    secrets: [`AKIA${filler(16, upper)}`, `ASIA${filler(16, upper)}`],
    harmless: ['AKIA', `xAKIA${filler(16, upper)}`, `AKIA${filler(30, upper)}`],
  },
  'aws-secret-key': {
    secrets: [
      [filler(40, base64), `aws_secret_access_key = ${filler(40, base64)}`],
      [filler(40, base64), `AWS_SECRET_ACCESS_KEY=${filler(40, base64)}`],
      [filler(40, base64), JSON.stringify({ SecretAccessKey: filler(40, base64) })],
    ],
    harmless: ['AWS_SECRET_ACCESS_KEY=$AWS_SECRET', `digest: ${filler(40, base64)}`],
  },
  'github-token': {
    secrets: [
      ...['ghp', 'gho', 'ghu', 'ghs', 'ghr'].map((kind) => `${kind}_${filler(36)}`),
      `github_pat_${filler(22)}_${filler(59)}`,
    ],
    harmless: ['ghp_short', 'github_pat_example'],
  },
  'gitlab-token': { secrets: [`glpat-${filler(20, base64url)}`], harmless: ['glpat-short'] },
  'slack-token': {
    secrets: [
      `xoxb-${filler(12, '0123456789')}-${filler(24)}`,
      `xoxp-${filler(12, '0123456789')}-${filler(32, hex)}`,
      `xapp-1-${filler(11, upper)}-${filler(40, hex)}`,
    ],
    harmless: ['xoxb-your-token-here', 'xox'],
  },
  'slack-webhook': {
    secrets: [
      [
        filler(24),
        `https://hooks.slack.com/services/T${filler(8, upper)}/B${filler(8, upper)}/${filler(24)}`,
      ],
    ],
    harmless: ['https://hooks.slack.com/services/'],
  },
  'stripe-key': {
    secrets: [`sk_live_${filler(24)}`, `rk_live_${filler(99)}`, `whsec_${filler(32)}`],
    harmless: ['sk_live_', `pk_live_${filler(24)}`],
  },
  'anthropic-key': {
    secrets: [`sk-ant-api03-${filler(93, base64url)}AA`, `sk-ant-oat01-${filler(40, base64url)}`],
    harmless: ['sk-ant-', 'sk-ant-your-key-goes-in-here'],
  },
  'openai-key': {
    secrets: [
      `sk-${filler(48)}`,
      `sk-proj-${filler(100, base64url)}`,
      `sk-svcacct-${filler(60, base64url)}`,
    ],
    harmless: [
      'sk-learn-a-quite-long-kebab-case-name',
      `task-${filler(48)}`,
      'sk-proj-name-of-the-project-here',
    ],
  },
  'google-api-key': {
    secrets: [`AIza${filler(35, base64url)}`],
    harmless: [`AIza${filler(60, base64url)}`, 'AIzanagi'],
  },
  'google-oauth-secret': {
    secrets: [`GOCSPX-${filler(28, base64url)}`, `ya29.${filler(60, base64url)}`],
    harmless: ['GOCSPX-', 'ya29.'],
  },
  'npm-token': {
    secrets: [`npm_${filler(36)}`],
    harmless: ['npm_config_registry', `npm_${filler(60)}`],
  },
  'pypi-token': {
    secrets: [`pypi-${filler(120, base64url)}`],
    harmless: ['pypi-publish', 'pypi-a-very-long-name-of-a-package-with-many-words'],
  },
  'sendgrid-key': {
    secrets: [`SG.${filler(22, base64url)}.${filler(43, base64url)}`],
    harmless: ['SG.', 'MSG.some.thing'],
  },
  'twilio-key': { secrets: [`SK${filler(32, hex)}`], harmless: ['SKIP', `TASK${filler(32, hex)}`] },
  'huggingface-token': { secrets: [`hf_${filler(34)}`], harmless: ['hf_hub_download'] },
  'digitalocean-token': { secrets: [`dop_v1_${filler(64, hex)}`], harmless: ['dop_v1_'] },
  'vault-token': {
    secrets: [`hvs.${filler(90, base64url)}`],
    harmless: ['hvs.', 'hvs.some_object_with_a_long_name_here'],
  },
  'turnlog-token': {
    secrets: [
      `turnlog_${filler(43, base64url)}`,
      `tl_${filler(43, base64url)}`,
      `tlt_${filler(32, hex)}`,
    ],
    harmless: [
      'turnlog_file_operation_lines_added',
      'turnlog_schema_version_2_of_records',
      'tl_short',
      `html_${filler(30, '_')}`,
    ],
  },
  jwt: {
    secrets: [
      `eyJ${filler(30, base64url)}.eyJ${filler(60, base64url)}.${filler(43, base64url)}`,
      [filler(43, base64url), `token%3DeyJ${filler(30)}.eyJ${filler(60)}.${filler(43, base64url)}`],
    ],
    harmless: ['eyJhbGciOiJIUzI1NiJ9', `eyJ${filler(10)}.x.y`],
  },
  'azure-account-key': {
    secrets: [
      [filler(86, base64), `AccountName=a;AccountKey=${filler(86, base64)}==;EndpointSuffix=x`],
    ],
    harmless: ['AccountKey=', 'AccountKey=<your key>'],
  },
  authorization: {
    secrets: [
      [token, `Authorization: Bearer ${token}`],
      [token, `curl -H 'authorization: bearer ${token}'`],
      [token, JSON.stringify({ headers: { Authorization: `Bearer ${token}` } })],
      [token, JSON.stringify([['authorization', `Bearer ${token}`]])],
      ['dXNlcjpwYXNz', 'Authorization: Basic dXNlcjpwYXNz'],
    ],
    harmless: [
      'Authorization: Bearer $TOKEN',
      'a bearer authenticationscheme',
      'Authorization: Bearer <token>',
      'basic understanding of things',
    ],
  },
  'url-password': {
    secrets: [
      ['pa55', 'postgres://user:pa55@localhost:5432/db'],
      [strong, `https://git:${strong}@example.com/x.git`],
      ['p@ss', 'redis://:p@ss@cache:6379'],
      ['pa55', 'https:\\/\\/user:pa55@example.com\\/'],
    ],
    harmless: [
      'http://localhost:3000/path',
      'https://example.com:8443?email=a@example.com',
      'postgres://user:$PASSWORD@localhost/db',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a template is what must be left.
      'postgres://${user}:${password}@localhost/db',
      'postgres://user:password@localhost/db',
      'see http://localhost:3000 or write to me@example.com',
    ],
  },
  password: {
    secrets: [
      [strong, `password=${strong}`],
      [strong, `DB_PASSWORD: "${strong}"`],
      [strong, JSON.stringify({ password: strong })],
      [strong, JSON.stringify(JSON.stringify({ password: strong }))],
      [strong, `passphrase => '${strong}'`],
      [`${strong},=;`, `{"password": "${strong},=;"}`],
    ],
    harmless: [
      'password: string',
      'password: Uint8Array, salt: Uint8Array',
      'AuthenticationMD5Password = AuthenticationMD5Response',
      'const password = getPassword2()',
      'password=$DB_PASSWORD2',
      "password: 'required|min:8'",
      'password = process.env.DB_PASSWORD',
      'password: correctHorseBatteryStaple',
      'Enter your password: ',
      `password_hash: ${filler(64, hex)}`,
    ],
  },
  'api-key': {
    secrets: [
      [filler(32), `api_key: ${filler(32)}`],
      [filler(32, hex), `x-api-key: ${filler(32, hex)}`],
      [filler(24), JSON.stringify({ apiKey: filler(24) })],
    ],
    harmless: [
      'apiKey: string',
      'api_key=YOUR_API_KEY',
      'const apiKey = config.apiKey',
      `api_key_id: ${filler(32, hex)}`,
    ],
  },
  secret: {
    secrets: [
      [filler(30), `client_secret=${filler(30)}`],
      [filler(50), `SECRET_KEY_BASE=${filler(50)}`],
      [filler(40), JSON.stringify({ secret: filler(40) })],
    ],
    harmless: [
      'secret: Secret',
      'secretName: my-app',
      'clientSecret = options.clientSecret',
      'kind: Secret',
      'arn:aws:secretsmanager:us-east-1:123456789012:secret:MySecret-a1b2c3',
      'VALUE_SECRET = exports.K8S_VOLUME_TYPE_VALUE_SECRET',
    ],
  },
  token: {
    secrets: [
      [filler(40), `ACCESS_TOKEN=${filler(40)}`],
      [filler(40), JSON.stringify({ refresh_token: filler(40) })],
      [filler(40), `TELEMETRY_TOKEN='${filler(40)}'`],
    ],
    harmless: [
      `next_page_token: ${filler(40)}`,
      'access_token: string',
      'max_tokens: 4096',
      `token: ${filler(40, hex)}`,
    ],
  },
  'command-line': {
    secrets: [
      [strong, `mysqladmin --passphrase '${strong}' status`],
      [filler(40), `gh auth --token ${filler(40)}`],
      [strong, `curl -s -u admin:${strong} https://example.com`],
    ],
    harmless: [
      'mysql --password -h localhost',
      'docker run -u 1000:1000 image2',
      'tool --token $TOKEN --secret name-of-it',
      'sort -u file:name',
    ],
  },
}

/** Ids and digests: never secrets by themselves. */
export const neverSecrets: readonly string[] = [
  'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  '0198c2c4-6c1e-4d0a-9a39-6f9d7c1f3b77',
  'commit 9d59409acf479dfa0df1aa568182e43e43df8bbe',
  `sha256:${filler(64, hex)}`,
  `{"id":"toolu_01${filler(22)}","type":"tool_use"}`,
  `{"id":"msg_01${filler(22)}"}`,
  `"integrity": "sha512-${filler(86, base64)}=="`,
  'conversation_id: c-7',
  'const max_tokens = 4096',
  `data:image/png;base64,${filler(400, base64)}`,
  'AKIA, ghp_, sk- and eyJ are prefixes of secrets',
]
