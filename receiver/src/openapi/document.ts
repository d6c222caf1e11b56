/** `GET /openapi.json`, the description of the API, and `GET /api/v1/events/schema`, the JSON Schema of events. */
import swagger from '@fastify/swagger'
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify'
import { eventSchemaDocument, withReferences } from '../events/json-schema.ts'
import { jaegerEndpoint } from './jaeger.ts'
import { operations, tags } from './operations.ts'
import { schemas } from './schemas.ts'

/**
 * Call this before any route is added: the plugin listens for them. It only describes; it neither checks requests nor
 * changes answers.
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
      // The server that this document was read from.
      servers: [{ url: '/' }],
      tags: [...tags],
      components: {
        securitySchemes: {
          token: {
            type: 'http',
            scheme: 'bearer',
            description: 'A token of a scope that the endpoint names, or of scope `admin`.',
          },
          browser: {
            type: 'apiKey',
            in: 'cookie',
            name: 'turnlog_session',
            description: 'A signed-in browser (`turnlog-receiver link`).',
          },
        },
      },
      security: [{ token: [] }],
    },
    transform: ({ url, route }) => describe(url, route),
    transformObject: (document) => {
      if (!('openapiObject' in document)) return {}
      const locate = (name: string) =>
        name.startsWith('#') ? name : `#/components/schemas/${name}`
      const { components, ...others } = document.openapiObject
      return withReferences({ ...others, components: { ...components, schemas } }, locate)
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

function describe(url: string, { method }: RouteOptions): { url: string; schema: FastifySchema } {
  const methods = [method].flat()
  const isDescribed = methods.length === 1 && (methods[0] === 'GET' || methods[0] === 'POST')
  if (!isDescribed) return { url, schema: hidden }
  return jaegerEndpoint(url) ?? { url, schema: operations[`${methods[0]} ${url}`] ?? hidden }
}

const hidden: FastifySchema & { readonly hide: true } = { hide: true }
