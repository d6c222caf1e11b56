import type { FastifyInstance } from 'fastify'
import type { Database } from '../storage/index.ts'
export function pageRoutes(
  _app: FastifyInstance,
  _options: {
    readonly database: Database
    readonly hosts: readonly string[]
    readonly onUnwell: (error: unknown) => void
  },
): void {}
