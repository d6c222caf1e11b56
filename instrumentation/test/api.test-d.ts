/** The public types; nothing here runs, `npm run check` reads it. */
import {
  type Decision,
  decide,
  type FileOperation,
  fileOperation,
  type ToolCall,
  type ToolCallOptions,
  type Turn,
  type TurnOptions,
  toolCall,
  turn,
} from '@turnlog/instrumentation'
import { expectTypeOf, test } from 'vitest'

test('a callback’s value keeps its type, a promise’s as a promise', () => {
  expectTypeOf(turn({}, () => 1)).toEqualTypeOf<number>()
  expectTypeOf(turn({}, async () => 1)).toEqualTypeOf<Promise<number>>()
  expectTypeOf(turn({}, () => undefined)).toEqualTypeOf<undefined>()
  expectTypeOf(toolCall({ name: 't' }, async () => ['a'])).toEqualTypeOf<Promise<string[]>>()
  expectTypeOf(toolCall({ name: 't' }, () => ({ a: 1 }))).toEqualTypeOf<{ a: number }>()
  const query: PromiseLike<string> = Promise.resolve('rows')
  expectTypeOf(toolCall({ name: 't' }, () => query)).toEqualTypeOf<Promise<string>>()
})

test('a generator stays a generator', () => {
  const stream = turn({}, async function* () {
    yield 'a'
    return 1
  })
  expectTypeOf(stream).toEqualTypeOf<AsyncGenerator<string, number, unknown>>()
})

test('a callback gets the object for its turn or call', () => {
  const traceId = turn({}, (turn) => {
    expectTypeOf(turn).toEqualTypeOf<Turn>()
    return turn.traceId
  })
  expectTypeOf(traceId).toEqualTypeOf<string | undefined>()
  void toolCall({ name: 't' }, async (call) => {
    expectTypeOf(call).toEqualTypeOf<ToolCall>()
    call.result({ any: 'value' })
  })
  // A callback may take nothing.
  expectTypeOf<() => Promise<void>>().toExtend<Parameters<typeof turn>[1]>()
})

test('options are those documented', () => {
  expectTypeOf<TurnOptions>().toEqualTypeOf<{
    readonly prompt?: string
    readonly conversationId?: string
    readonly agent?: string
  }>()
  expectTypeOf<ToolCallOptions>().toEqualTypeOf<{
    readonly name: string
    readonly arguments?: unknown
    readonly id?: string
  }>()
  expectTypeOf<FileOperation['before']>().toEqualTypeOf<string | Uint8Array | null | undefined>()
  // @ts-expect-error A tool has a name.
  toolCall({}, () => 1)
  // @ts-expect-error A file operation has a path.
  fileOperation({ before: null })
  // @ts-expect-error A turn has a callback.
  turn({ prompt: 'p' })
})

test('a decision names the id of a file operation', () => {
  expectTypeOf(fileOperation({ path: 'a.txt' })).toExtend<Decision['operationId']>()
  expectTypeOf(decide).returns.toEqualTypeOf<void>()
  // @ts-expect-error A decision has a source.
  decide({ operationId: 'id', type: 'accept' })
})
