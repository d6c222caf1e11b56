/**
 * The fastify plugin for /api/changes: recent file operations, one of them, and decisions on them.
 *
 * It is not wrapped in fastify-plugin, so its hooks, content types and error answers apply to its own
 * routes only. Who may use it: guards.ts. Without the preload the list is empty.
 *
 * The list has the newest operations, `?limit=` of them. When it is as long as its limit, there may be older ones, and
 * `total` and `undecided` beside it count all of the workspace's operations.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import {
  type DecisionSource,
  type DecisionType,
  decisionSources,
  decisionTypes,
  parseFileOperationId,
} from '@turnlog/conventions'
import { isObject, parseJson } from '@turnlog/conventions/plain'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { attempt, originalFs } from '../file-system.ts'
import { type ChangesHandle, findHandle, type TurnlogHandle } from '../handle.ts'
import { detailAnswer, errorAnswer, refusalAnswer, summaryAnswer } from './answers.ts'
import { gapsOf } from './chains.ts'
import { decideChange } from './decide-change.ts'
import { guard } from './guards.ts'
import { ChangeStore, type StoredChange } from './store.ts'

export interface ChangesRoutesOptions {
  /** The running instrumentation; default: the one the preload started, if any. For tests. */
  readonly handle?: (() => TurnlogHandle | undefined) | undefined
}

const limitDefault = 100
const limitMax = 500
/** A decision is a few words. */
const bodyBytesMax = 16 * 1024
const reasonCharactersMax = 2000
/** The handle limits its own wait; this limit applies if that fails. */
const refreshMs = 5000

/** For `app.register(changesRoutes)`. Never throws into the host, and prints nothing. */
export const changesRoutes: FastifyPluginAsync<ChangesRoutesOptions> = async (app, options) => {
  const find = options.handle ?? findHandle
  const open = storeOpener()
  guardRoutes(app)

  app.get('/api/changes/recent', quiet, async (request, reply) => {
    const changes = find()?.changes
    if (changes === undefined) return answer(reply, 200, { changes: [] })
    await refreshed(changes)
    const { workspace } = changes
    const store = open(changes)
    const limit = limitOf(request.query)
    const recent = store.recent({ limit, workspace })
    const counts = recent.length < limit ? {} : store.count(workspace)
    const gaps = gapsOf(recent)
    const listed = recent.map((stored) => summaryAnswer(stored, gaps.has(stored.change.opId)))
    return answer(reply, 200, { changes: listed, ...counts })
  })

  app.get('/api/changes/:opId', quiet, async (request, reply) => {
    const found = await findChange(find(), open, request)
    if (found === undefined) return unknownChange(reply)
    return answer(reply, 200, detailAnswer(found.stored, found.store))
  })

  for (const type of decisionTypes) {
    app.post(`/api/changes/:opId/${type}`, quiet, async (request, reply) => {
      const body = parseBody(request.body)
      if (body === undefined) return answer(reply, 400, malformed)
      const found = await findChange(find(), open, request)
      if (found === undefined) return unknownChange(reply)
      return decide(reply, { ...found, ...body, type })
    })
  }
}

/** The panel asks every few seconds; that must not fill the host's request log. */
const quiet = { logLevel: 'silent', bodyLimit: bodyBytesMax } as const

function guardRoutes(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body)
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    reply.header('x-content-type-options', 'nosniff')
    reply.header('cross-origin-resource-policy', 'same-origin')
    const { socket, headers } = request.raw
    const refusal = guard({
      method: request.method,
      headers,
      remoteAddress: socket.remoteAddress,
      isEncrypted: 'encrypted' in socket && socket.encrypted === true,
    })
    if (refusal === undefined) return
    return answer(reply, refusal.status, errorAnswer(refusal.code, refusal.message))
  })
  app.setErrorHandler((error, _request, reply) => {
    const status = statusOf(error)
    if (status >= 500) return answer(reply, 500, errorAnswer('TL_INTERNAL', 'Internal error.'))
    return answer(reply, status, errorAnswer('TL_CHANGES_REQUEST', 'The request cannot be read.'))
  })
}

/** Opens the store again when the handle names another folder: the preload may start later. */
function storeOpener(): (changes: ChangesHandle) => ChangeStore {
  let opened: { readonly changes: ChangesHandle; readonly store: ChangeStore } | undefined
  return (changes) => {
    if (opened?.changes.directory !== changes.directory) {
      const { directory, fileSystem } = changes
      opened = { changes, store: new ChangeStore({ directory, fileSystem }) }
    }
    return opened.store
  }
}

interface Found {
  readonly handle: TurnlogHandle
  readonly changes: ChangesHandle
  readonly store: ChangeStore
  readonly stored: StoredChange
}

async function findChange(
  handle: TurnlogHandle | undefined,
  open: (changes: ChangesHandle) => ChangeStore,
  request: FastifyRequest,
): Promise<Found | undefined> {
  const opId = isObject(request.params) ? parseFileOperationId(request.params.opId) : undefined
  const changes = handle?.changes
  if (handle === undefined || changes === undefined || opId === undefined) return undefined
  await refreshed(changes)
  const store = open(changes)
  const stored = store.find(opId)
  if (stored === undefined || stored.change.workspace !== changes.workspace) return undefined
  return { handle, changes, store, stored }
}

interface DecideRequest extends Found, Body {
  readonly type: DecisionType
}

async function decide(reply: FastifyReply, request: DecideRequest): Promise<FastifyReply> {
  const { handle, changes, store, stored, type, source, reason } = request
  const { opId } = stored.change
  const result = await decideChange({
    stored,
    type,
    source,
    reason,
    store,
    fileSystem: changes.fileSystem ?? originalFs,
    beginWrite: changes.beginWrite,
    now: Date.now,
    // The handle counts its own failures; the decision is in the store.
    emit: (decision) => attempt(() => handle.decide(decision)),
  })
  if (result.status === 'refused') return answer(reply, 409, refusalAnswer(opId, result))
  const { decision } = result
  if (result.status === 'not_kept') {
    const message =
      'The decision was carried out and recorded, but the local store cannot be written.'
    return answer(reply, 500, { ...errorAnswer('TL_CHANGES_STORE', message), opId, decision })
  }
  const message = result.wasNothingLeft ? 'Nothing was left to do.' : undefined
  return answer(reply, 200, { opId, decision, message })
}

interface Body {
  readonly source: DecisionSource
  readonly reason: string | undefined
}

const malformed = errorAnswer(
  'TL_CHANGES_REQUEST',
  `The body must be a JSON object; reason a text of at most ${reasonCharactersMax} characters; source ${decisionSources.join(', ')}.`,
)

/** Unknown fields are ignored; an empty body is an empty object. */
function parseBody(body: unknown): Body | undefined {
  const value = typeof body === 'string' && body !== '' ? parseJson(body) : {}
  if (!isObject(value)) return undefined
  const { reason, source = 'user' } = value
  const known = decisionSources.find((each) => each === source)
  if (known === undefined) return undefined
  if (reason === undefined || reason === null) return { source: known, reason: undefined }
  if (typeof reason !== 'string' || reason.length > reasonCharactersMax) return undefined
  return { source: known, reason }
}

function limitOf(query: unknown): number {
  const text = isObject(query) ? query.limit : undefined
  if (typeof text !== 'string' || !/^\d{1,9}$/.test(text)) return limitDefault
  return Math.min(Math.max(Number(text), 1), limitMax)
}

/** Sent as text, so that the host's serialisers and payload hooks do not change it. */
function answer(reply: FastifyReply, status: number, body: object): FastifyReply {
  return reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify(body))
}

function unknownChange(reply: FastifyReply): FastifyReply {
  return answer(reply, 404, errorAnswer('TL_CHANGE_UNKNOWN', 'There is no such file operation.'))
}

/** Waits for recent operations to reach the store; without them the rest is shown all the same. */
async function refreshed(changes: ChangesHandle): Promise<void> {
  const ended = new AbortController()
  const limit = sleep(refreshMs, undefined, { ref: false, signal: ended.signal }).catch(() => {})
  try {
    await Promise.race([changes.refresh(), limit])
  } catch {
    // Counted by the handle.
  } finally {
    ended.abort()
  }
}

function statusOf(error: unknown): number {
  const status = isObject(error) ? error.statusCode : undefined
  return typeof status === 'number' && status >= 400 ? status : 500
}
