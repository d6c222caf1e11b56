import {
  createSignInLink,
  createToken,
  findTokenHolder,
  openDatabase,
} from '@turnlog/receiver/storage'
import type { OpenAccess } from './access.ts'

/** Creates tokens and links directly in the receiver's database, in the receiver's own form. */
export const openReceiverAccess: OpenAccess = async ({ databaseUrl, receiverUrl }) => {
  const database = openDatabase(databaseUrl, { connectionsMax: 1 })
  return {
    async isIngestToken({ token, user }) {
      const holder = await findTokenHolder(database, token)
      return holder?.scope === 'ingest' && holder.userId === user
    },
    createIngestToken: ({ user }) => createToken(database, { user, scope: 'ingest' }),
    signInLink: () => createSignInLink(database, { baseUrl: receiverUrl }),
    close: () => database.close(),
  }
}
