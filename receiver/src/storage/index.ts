/** What other parts of Turnlog need of the storage: the supervisor, and tests. */
export { type Dropped, readPurges } from './audit.ts'
export type { ClaimOutcome } from './claims.ts'
export { type Database, type DatabaseOptions, openDatabase, type Reader } from './database.ts'
export { type DropResult, type Due, dropDays, dueBefore, overdueFor } from './expire.ts'
export { type LandResult, land } from './land.ts'
export { migrate } from './migrate.ts'
export { ensurePartitions, type PartitionOptions } from './partitions.ts'
export { createReportingRole, dropReportingRole } from './reporting-role.ts'
export {
  addReceiverSample,
  addTableSamples,
  type ReceiverSample,
  sizeOfDatabase,
} from './samples.ts'
export { createSignInLink } from './sign-in.ts'
export { sweep } from './sweep.ts'
export {
  createToken,
  findTokenHolder,
  listTokens,
  revokeToken,
  type Scope,
  scopes,
  type TokenHolder,
} from './tokens.ts'
