/** The lists that viewers offer to choose from: services, their operations, and calls between services. */
import { operationsOfService } from '../../storage/queries/operations-of-service.ts'
import { serviceDependencies } from '../../storage/queries/service-dependencies.ts'
import { servicesOf } from '../../storage/queries/services.ts'
import { nameOfKind, parseKind } from '../request/parameter-values.ts'
import type { ReadOptions } from './reader.ts'
import { unknownService } from './span.ts'

/** Nobody chooses from a longer list. */
const rowsMax = 10_000

/** Sorted by name. */
export async function readServices({ database, ...read }: ReadOptions): Promise<readonly string[]> {
  const names = await servicesOf(database, { ...read, rowsMax })
  return [...new Set(names.map((name) => name ?? unknownService))].sort()
}

/** Sorted by name, each kind of an operation once; of one kind, or of all when none is given. */
export async function readOperations(
  options: ReadOptions & { readonly service: string; readonly kindName?: string | undefined },
): Promise<readonly { readonly name: string; readonly spanKind: string }[]> {
  const { database, service, kindName, ...read } = options
  // No span has the kind -1.
  const wanted = kindName === undefined ? undefined : (parseKind(kindName) ?? -1)
  const operations = [
    ...(await operationsOfService(database, { ...read, serviceName: service, rowsMax })),
  ]
  if (service === unknownService) {
    const unnamed = await operationsOfService(database, { ...read, serviceName: null, rowsMax })
    operations.push(...unnamed)
  }
  const unique = new Map(
    operations.map((operation) => [`${operation.kind} ${operation.name}`, operation]),
  )
  return [...unique.values()]
    .filter(({ kind }) => wanted === undefined || kind === wanted)
    .sort((left, right) => compare(left.name, right.name) || left.kind - right.kind)
    .map(({ name, kind }) => ({ name, spanKind: nameOfKind(kind) }))
}

export async function readDependencies(
  options: ReadOptions & { readonly from: bigint; readonly to: bigint },
): Promise<
  readonly { readonly parent: string; readonly child: string; readonly callCount: number }[]
> {
  const { database, from, to, ...read } = options
  // Most teams have one service, which calls no other: their spans need not be searched.
  const services = await servicesOf(database, { ...read, rowsMax: 2 })
  if (services.length < 2) return []
  const calls = await serviceDependencies(database, {
    ...read,
    from: toDate(from),
    to: toDate(to),
    rowsMax,
  })
  return calls.map(({ parent, child, callCount }) => ({
    parent: parent ?? unknownService,
    child: child ?? unknownService,
    callCount,
  }))
}

function toDate(nanoseconds: bigint): Date {
  return new Date(Number(nanoseconds / 1_000_000n))
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
