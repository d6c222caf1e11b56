/**
 * The documents that are generated from tables in the code: `npm run docs` writes them, a test compares them. `made` maps
 * each file's name in this folder to its text.
 */
import { writeFileSync } from 'node:fs'
import {
  type AttributeDefinition,
  contentSuffixes,
  type EventDefinition,
  events,
  type MetricDefinition,
  metrics,
} from '@turnlog/conventions'
import { type SettingsTable, settingRows } from '@turnlog/conventions/settings'
import { settings as collectorSettings } from '../collector/settings.ts'
import { generalAttributes } from '../conventions/src/names/attributes.ts'
import { genAiAttributes } from '../conventions/src/names/gen-ai.ts'
import { turnlogAttributes } from '../conventions/src/names/turnlog.ts'
import { settings as dashboardSettings } from '../dashboards/src/settings.ts'
import { settings as instrumentationSettings } from '../instrumentation/src/config.ts'
import { supportPage } from '../instrumentation/test/ways/support-page.ts'
import { settings as receiverSettings } from '../receiver/src/config.ts'
import {
  commonMembers,
  type Definition,
  definitions,
  kinds,
  type Member,
} from '../receiver/src/events/definitions.ts'
import { eventSchemaDocument } from '../receiver/src/events/json-schema.ts'
import { settings as startSettings } from '../start/settings.ts'

export const made: ReadonlyMap<string, string> = new Map([
  ['CONVENTIONS.md', conventions()],
  ['EVENTS.md', plainEvents()],
  ['events.schema.json', `${JSON.stringify(eventSchemaDocument(), null, 2)}\n`],
  ['SETTINGS.md', settings()],
  ['SUPPORT.md', supportPage()],
])

function conventions(): string {
  return page(
    'Conventions',
    'Every attribute, event and metric that Turnlog uses. Made from `conventions/src/names` by `npm run docs`; do not edit.',
    '## Attributes of OpenTelemetry',
    attributeTable(generalAttributes),
    '## Attributes of OpenTelemetry’s GenAI conventions',
    'From semantic-conventions-genai 1.42. A value of type `content` is a full text; `(JSON)` marks those that are always JSON.',
    attributeTable(genAiAttributes),
    '## Attributes of Turnlog',
    attributeTable(turnlogAttributes),
    '## Companions of every content attribute `K`',
    attributeTable(
      Object.fromEntries(
        Object.entries(contentSuffixes).map(([name, definition]) => [`K.${name}`, definition]),
      ),
    ),
    '## Log events',
    table(
      ['event', 'meaning', 'stability'],
      Object.entries<EventDefinition>(events).map(([name, { meaning, stability }]) => [
        code(name),
        meaning,
        stability,
      ]),
    ),
    '## Metrics',
    'recorded = landed + rejected + dropped (the receiver’s ledger) + waiting + quarantined (the spool), per recorder.\n' +
      'received = landed + duplicate + rejected, at the receiver.',
    table(
      ['metric', 'unit', 'meaning'],
      Object.entries<MetricDefinition>(metrics).map(([name, { unit, meaning }]) => [
        code(name),
        code(unit),
        meaning,
      ]),
    ),
  )
}

function plainEvents(): string {
  return page(
    'Plain events',
    'The members of the events of `POST /api/v1/events`; [CLIENTS.md](CLIENTS.md) says how to send them. The same as JSON ' +
      'Schema: [events.schema.json](events.schema.json), or `GET /api/v1/events/schema` of a receiver. Made from the tables in ' +
      'the code by `npm run docs`; do not edit.',
    'Every member may be absent or `null`, unless it is marked **required**. Other members are stored as attributes ' +
      'named `turnlog.event.member.` and the member’s name (if there are more than 64, all in one attribute, `turnlog.event.members`).',
    '## Every event',
    memberTable(commonMembers),
    ...Object.entries<Definition>(definitions).flatMap(([type, { meaning, members }]) => [
      `## ${type}`,
      meaning,
      memberTable(members),
    ]),
  )
}

function memberTable(members: Readonly<Record<string, Member>>): string {
  return table(
    ['member', 'meaning', 'form', 'example', 'becomes'],
    Object.entries(members).map(
      ([name, { kind, meaning, example, isRequired, choices, attribute }]) => [
        isRequired ? `${code(name)} **required**` : code(name),
        meaning,
        choices === undefined ? kinds[kind].meaning : choices.map(code).join(', '),
        code(JSON.stringify(example)),
        attribute === undefined ? '' : code(attribute),
      ],
    ),
  )
}

function settings(): string {
  return page(
    'Settings',
    'Each program reads its settings once, at its start, from the environment. Made from the tables in the code by `npm run docs`; do not edit.',
    '## The instrumentation',
    settingTable(instrumentationSettings),
    '## The receiver',
    settingTable(receiverSettings),
    '## The Collector',
    'Read by `otel-collector-config.yaml` and the files in `collector/`, in any Collector; `npm run collector` ' +
      'checks them first. Ports are those of `TURNLOG_COLLECTOR_HOST`.',
    settingTable(collectorSettings),
    '## The dashboards',
    'Read by Grafana from its environment, when it loads `dashboards/provisioning`.',
    table(
      ['setting', 'meaning'],
      dashboardSettings.map(({ env, doc }) => [code(env), doc]),
    ),
    '## npm start',
    settingTable(startSettings),
    'Other settings are passed on to the receiver and the instrumentation. The example app also reads:',
    table(
      ['setting', 'default', 'meaning'],
      [
        [
          code('EXAMPLE_MODEL_API'),
          code('anthropic'),
          'The API on which the agent runs: `anthropic` (Messages), `openai` (Chat Completions), `responses` (OpenAI’s Responses) or `gemini`.',
        ],
        [
          '`ANTHROPIC_API_KEY`, `OPENAI_API_KEY`, `GEMINI_API_KEY`',
          'none',
          'With the key of its API the agent uses the real one, without it a scripted model.',
        ],
        [
          '`ANTHROPIC_BASE_URL`, `OPENAI_BASE_URL`, `GOOGLE_GEMINI_BASE_URL`',
          'none',
          'The address of another server of that API.',
        ],
        [code('EXAMPLE_MODEL'), 'the example’s own', 'The model’s name.'],
      ],
    ),
  )
}

function settingTable(settings: SettingsTable): string {
  return table(
    ['setting', 'default', 'meaning'],
    settingRows(settings).map(({ env, default: value, doc }) => [code(env), value, doc]),
  )
}

function attributeTable(definitions: Readonly<Record<string, AttributeDefinition>>): string {
  return table(
    ['attribute', 'type', 'meaning', 'example', 'stability'],
    Object.entries(definitions).map(
      ([name, { type, isJson, unit, meaning, example, stability }]) => [
        code(name),
        `${type}${isJson ? ' (JSON)' : ''}${unit === undefined ? '' : `, ${code(unit)}`}`,
        meaning,
        code(String(example)),
        stability,
      ],
    ),
  )
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', '↵')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function code(text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``
}

function page(title: string, ...paragraphs: readonly string[]): string {
  return `# ${title}\n\n${paragraphs.join('\n\n')}\n`
}

if (import.meta.main) {
  for (const [name, text] of made) writeFileSync(new URL(name, import.meta.url), text)
}
