/**
 * The JSON Schemas (2020-12) of the events, made from their tables.
 *
 * They describe what a client should send. The reader accepts a little more: `eventType` for `type`, and choices in upper
 * or lower case.
 */
import { definitions, type EventType, kinds, type Member } from './definitions.ts'
import { membersOf } from './read-event.ts'

export type Schema = Readonly<Record<string, unknown>>

export function objectOf(
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
): Schema {
  return { type: 'object', ...(required.length > 0 && { required }), properties }
}

/** By name; `$ref` is the name of another schema. */
export function eventSchemas(): Readonly<Record<string, Schema>> {
  const types = Object.keys(definitions) as EventType[]
  return {
    Event: {
      description: 'One of the events, selected by `type`.',
      oneOf: types.map((type) => ({ $ref: type })),
    },
    ...Object.fromEntries(types.map((type) => [type, schemaOf(type)])),
    Reference: {
      description: 'Content that is uploaded as an attachment, before the event or after it.',
      ...objectOf(
        {
          ref: { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' },
          size: { type: 'integer', minimum: 0, description: 'The size of the content in bytes.' },
        },
        ['ref'],
      ),
      additionalProperties: false,
    },
    Base64: {
      description: 'Content that is not text.',
      ...objectOf({ base64: { type: 'string', contentEncoding: 'base64' } }, ['base64']),
      additionalProperties: false,
    },
  }
}

/** As one document: `$ref` points into its `$defs`. */
export function eventSchemaDocument(): Schema {
  const schemas = withReferences(eventSchemas(), (name) => `#/$defs/${name}`)
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'The body of POST /api/v1/events',
    oneOf: [{ type: 'array', items: { $ref: '#/$defs/Event' } }, { $ref: '#/$defs/Event' }],
    $defs: schemas,
  }
}

/** An event with every member it may have. */
export function exampleOf(type: EventType): Schema {
  const members = Object.entries(membersOf(type))
    // An example that failed, or was renamed, would contradict its other members.
    .filter(([name]) => name !== 'error' && name !== 'previousPath')
    .map(([name, { example }]) => [name, example])
  return { type, ...Object.fromEntries(members) }
}

function schemaOf(type: EventType): Schema {
  const members = Object.entries(membersOf(type))
  const required = members.filter(([, { isRequired }]) => isRequired).map(([name]) => name)
  return {
    description: definitions[type].meaning,
    ...objectOf(
      {
        type: { const: type },
        ...Object.fromEntries(members.map(([name, member]) => [name, memberSchema(member)])),
      },
      ['type', ...required],
    ),
    additionalProperties: true,
    examples: [exampleOf(type)],
  }
}

function memberSchema({ kind, meaning, isRequired, choices }: Member): Schema {
  const description = `${meaning} (${kinds[kind].meaning})`
  if (choices) return { description, enum: isRequired ? choices : [...choices, null] }
  const schema: Schema = kinds[kind].schema
  if (isRequired) return { description, ...schema }
  if (Array.isArray(schema.type)) return { description, ...schema, type: [...schema.type, 'null'] }
  if (Array.isArray(schema.anyOf)) {
    return { description, anyOf: [...schema.anyOf, { type: 'null' }] }
  }
  return { description, ...schema }
}

/** Replaces each `$ref`, a schema's name, by where the schema is. */
export function withReferences<Value>(value: Value, locate: (name: string) => string): Value {
  if (Array.isArray(value)) return value.map((one) => withReferences(one, locate)) as Value
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([key, one]) => [
    key,
    key === '$ref' && typeof one === 'string' ? locate(one) : withReferences(one, locate),
  ])
  return Object.fromEntries(members) as Value
}
