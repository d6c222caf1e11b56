/** `GET /openapi.json`: the API described, and the JSON Schema of events beside it. */
import swagger from '@fastify/swagger'
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify'
import { eventSchemaDocument, withReferences } from '../events/json-schema.ts'
import { type Operation, operations, tags } from './operations.ts'
import { schemas } from './schemas.ts'

/**
 * To be called before any route is made: the plugin listens for them. Nothing of it checks requests or shapes answers;
 * routes do that themselves.
 */
export function describeRoutes(app: FastifyInstance): void {
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Turnlog receiver',
        description: 'Lands what coding agents did, exactly once.',
        version: '1',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags: [...tags],
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer' },
          browser: { type: 'apiKey', in: 'cookie', name: 'turnlog_session' },
        },
      },
      security: [{ token: [] }],
    },
    transform: ({ url, route }) => ({ url, schema: schemaOf(url, route) }),
    transformObject: (document) => {
      if (!('openapiObject' in document)) return {}
      const place = (name: string) => (name.startsWith('#') ? name : `#/components/schemas/${name}`)
      const { components, ...others } = document.openapiObject
      return withReferences({ ...others, components: { ...components, schemas } }, place)
    },
  })
}

/** Needs `describeRoutes`. */
export function descriptionRoutes(app: FastifyInstance): void {
  app.get('/openapi.json', (_request, reply) => {
    reply.header('cache-control', 'no-cache').type('application/json; charset=utf-8')
    return reply.send(JSON.stringify(app.swagger()))
  })
  const schema = JSON.stringify(eventSchemaDocument())
  app.get('/api/v1/events/schema', (_request, reply) => {
    reply.header('cache-control', 'no-cache').type('application/schema+json; charset=utf-8')
    return reply.send(schema)
  })
}

function schemaOf(url: string, { method }: RouteOptions): FastifySchema & { hide?: boolean } {
  const methods = [method].flat()
  const operation = operations[`${methods[0]} ${url}`] ?? jaegerOperation(url)
  const isPart = methods.length === 1 && (methods[0] === 'GET' || methods[0] === 'POST')
  return operation !== undefined && isPart ? { ...operation } : { hide: true }
}

/** Jaeger describes these itself; here is said that they are there. */
function jaegerOperation(url: string): Operation | undefined {
  if (!url.startsWith('/api/') || url.startsWith('/api/v1/')) return undefined
  return {
    tags: ['Jaeger'],
    summary: 'Jaeger’s query API.',
    response: { 200: { description: 'As Jaeger answers.' } },
  }
}
