import SwaggerParser from '@apidevtools/swagger-parser'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { sendEvents } from '../../../test/support/plain-events.ts'
import { receiverLimits, withReceiver } from '../../../test/support/receiver.ts'
import { buildApp } from '../../src/app.ts'
import { definitions, type EventType } from '../../src/events/definitions.ts'
import { exampleOf } from '../../src/events/json-schema.ts'
import { jaegerEndpoints } from '../../src/openapi/jaeger.ts'
import { operations } from '../../src/openapi/operations.ts'

const { database, receiver } = await withReceiver()

const types = Object.keys(definitions) as EventType[]

type Document = Parameters<typeof SwaggerParser.validate>[0] & {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly components: { readonly schemas: Readonly<Record<string, { examples?: unknown[] }>> }
}

async function readDocument(): Promise<Document> {
  const answer = await fetch(`${receiver.url}/openapi.json`)
  expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
  return (await answer.json()) as Document
}

test('the document is valid OpenAPI 3.1, and every reference in it has a target', async () => {
  const document = await readDocument()
  expect(document.openapi).toBe('3.1.0')
  await SwaggerParser.validate(structuredClone(document))
})

test('every endpoint of the API is described, and every described endpoint exists', async () => {
  const app = buildApp(receiverLimits, database)
  const routes: string[] = []
  app.addHook('onRoute', ({ method, url }) => {
    const methods = [method].flat()
    // Where many methods share a handler, it is the one that refuses them.
    if (methods.length > 1 || methods.includes('HEAD')) return
    if (/^\/(api|v1)\/|^\/openapi/.test(url)) routes.push(`${methods[0]} ${url}`)
  })
  await app.ready()
  await app.close()
  const jaeger = Object.keys(jaegerEndpoints).map((url) => `GET ${url}`)
  expect(new Set(routes)).toEqual(new Set([...Object.keys(operations), ...jaeger]))
  const { paths } = await readDocument()
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(
      (method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`,
    ),
  )
  expect(described.filter((name) => !/ \/api\/(?!v1\/)/.test(name)).sort(byText)).toEqual(
    Object.keys(operations).sort(byText),
  )
})

/** What linters (Redocly's, Spectral's) and generators of clients ask for. */
test('each operation has its own name, its parameters and its refusals', async () => {
  const document = await readDocument()
  expect(document).toMatchObject({ servers: [{ url: '/' }] })
  const described = Object.values(document.paths).flatMap((methods) => Object.values(methods))
  const names = described.map((each) => (each as { operationId?: string }).operationId)
  expect(names.filter((name) => !/^[a-z]\w+$/i.test(name ?? ''))).toEqual([])
  expect(new Set(names).size).toBe(names.length)
  for (const each of described as { security?: unknown[]; responses: object }[]) {
    if (each.security?.length === 0) continue
    expect(Object.keys(each.responses)).toEqual(expect.arrayContaining(['401', '403', '503']))
  }
  const parameters = ['service', 'limit'].map((name) => ({ in: 'query', name }))
  expect(document).toMatchObject({
    paths: {
      '/api/traces': {
        get: {
          parameters: expect.arrayContaining(parameters.map((one) => expect.objectContaining(one))),
        },
      },
    },
  })
})

function byText(left: string, right: string): number {
  return left < right ? -1 : 1
}

test('the examples of the document land', async () => {
  const { components } = await readDocument()
  const examples = types.flatMap((type) => components.schemas[type]?.examples ?? [])
  expect(examples.length).toBe(types.length)
  // They are of a day that has gone by.
  const current = examples.map((example) => Object.assign({}, example, { timestamp: Date.now() }))
  expect(await sendEvents(receiver, current)).toMatchObject({ landed: types.length, rejected: 0 })
})

test('the schema of events allows what the receiver accepts', async () => {
  const answer = await fetch(`${receiver.url}/api/v1/events/schema`)
  expect(answer.headers.get('content-type')).toBe('application/schema+json; charset=utf-8')
  const validate = new Ajv2020({ strict: false }).compile((await answer.json()) as object)
  const examples = types.map(exampleOf)
  for (const body of [examples, ...examples]) {
    expect([validate(body), validate.errors]).toEqual([true, null])
  }
  const { ToolCall, FileOperation } = Object.fromEntries(
    types.map((type) => [type, exampleOf(type)]),
  )
  const hash = `sha256:${'0'.repeat(64)}`
  const good = [
    { ...ToolCall, durationMs: '12', turnId: 7, args: null, other: { a: 1 } },
    { ...FileOperation, beforeContent: { ref: hash }, afterContent: { base64: 'AAE=' } },
    { ...FileOperation, beforeContent: null, locAdded: '3' },
  ]
  const wrong = [
    { ...ToolCall, toolName: undefined },
    { ...ToolCall, toolName: null },
    { ...ToolCall, durationMs: -1 },
    { ...FileOperation, opType: 'touch' },
    { ...FileOperation, beforeContent: { ref: 'main' } },
    { ...FileOperation, locAdded: 1.5 },
    { type: 'Typo' },
    {},
    5,
  ]
  const sent = [...good, ...wrong].map((event, index) =>
    typeof event === 'object'
      ? { ...event, timestamp: Date.now(), eventId: `schema-${index}`, opId: `o-${index}` }
      : event,
  )
  const { results } = await sendEvents(receiver, sent)
  const taken = results.map(({ status }) => status === 'landed')
  expect(taken).toEqual(JSON.parse(JSON.stringify(sent)).map((event: unknown) => validate(event)))
  expect(taken).toEqual([...good.map(() => true), ...wrong.map(() => false)])
})
