/** `GET /openapi.json`: the API described, and the JSON Schema of events beside it. */
import swagger from '@fastify/swagger'
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify'
import { eventSchemaDocument, withReferences } from '../events/json-schema.ts'
import { jaegerEndpoint } from './jaeger.ts'
import { operations, tags } from './operations.ts'
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
      // Wherever this document was read.
      servers: [{ url: '/' }],
      tags: [...tags],
      components: {
        securitySchemes: {
          token: {
            type: 'http',
            scheme: 'bearer',
            description: 'Of a scope that the endpoint names; `admin` stands for all of them.',
          },
          browser: {
            type: 'apiKey',
            in: 'cookie',
            name: 'turnlog_session',
            description: 'A browser that is signed in (`turnlog-receiver link`).',
          },
        },
      },
      security: [{ token: [] }],
    },
    transform: ({ url, route }) => describe(url, route),
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

function describe(url: string, { method }: RouteOptions): { url: string; schema: FastifySchema } {
  const methods = [method].flat()
  const isPart = methods.length === 1 && (methods[0] === 'GET' || methods[0] === 'POST')
  const described = isPart ? (jaegerEndpoint(url) ?? ownEndpoint(url, methods[0])) : undefined
  return described ?? { url, schema: hidden }
}

const hidden: FastifySchema & { readonly hide: true } = { hide: true }

function ownEndpoint(url: string, method: string | undefined) {
  const operation = operations[`${method} ${url}`]
  return operation && { url, schema: operation }
}
