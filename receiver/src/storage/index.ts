/** What other parts of Turnlog need of the storage: the supervisor, and tests. */

export { type Database, type DatabaseOptions, openDatabase, type Reader } from './database.ts'
export { type Dropped, readPurges } from './keep/audit.ts'
export { type DropResult, type Due, dropDays, dueBefore, overdueFor } from './keep/expire.ts'
export { ensurePartitions, type PartitionOptions } from './keep/partitions.ts'
export {
  addReceiverSample,
  addTableSamples,
  type ReceiverSample,
  sizeOfDatabase,
} from './keep/samples.ts'
export { sweep } from './keep/sweep.ts'
export type { ClaimOutcome } from './land/claims.ts'
export { type LandResult, land } from './land/land.ts'
export { migrate } from './migrate.ts'
export { createReportingRole, dropReportingRole } from './reporting-role.ts'
export { createSignInLink } from './sign-in.ts'
export {
  createToken,
  findTokenHolder,
  listTokens,
  revokeToken,
  type TokenHolder,
  type TokenScope,
  tokenScopes,
} from './tokens.ts'
