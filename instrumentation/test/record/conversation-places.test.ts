import { expect, test } from 'vitest'
import { namedConversation, parseConversationPlaces } from '../../src/record/conversation-places.ts'

const address = { url: '/rooms/7/say?room=q%201', headers: { 'x-room': 'h' } }

test.for([
  ['header:X-Room', 'h'],
  ['query:room', 'q 1'],
  ['path:/rooms/:id/say', '7'],
  ['path:/rooms/:id', '7'],
  ['path:/*/:id', '7'],
  ['path:/rooms/:id/say/more', undefined],
  ['path:/halls/:id', undefined],
  ['header:x-hall', undefined],
  ['query:hall, header:x-room', 'h'],
] as const)('%s names %s', ([text, id]) => {
  expect(namedConversation(parseConversationPlaces(text) ?? [], address).id).toBe(id)
})

test('members of the body that are listed after a place that is found are not needed', () => {
  const named = (text: string) => namedConversation(parseConversationPlaces(text) ?? [], address)
  expect(named('room, data.room.id, query:room, late')).toEqual({
    fields: [['room'], ['data', 'room', 'id']],
    id: 'q 1',
  })
  expect(named('query:hall, room')).toEqual({ fields: [['room']], id: undefined })
})

test.for(['header:', 'path:/rooms', 'cookie:x', 'a..b', 'room,,', 'a b'])(
  '%s is not understood',
  (text) => {
    expect(parseConversationPlaces(text)).toBeUndefined()
  },
)
