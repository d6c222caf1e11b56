import type { OpenAccess } from './access.ts'
export const openReceiverAccess: OpenAccess = async () => {
  throw new Error('not yet')
}
