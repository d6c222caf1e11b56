/** What other parts of Turnlog need of the storage: the supervisor, and tests. */
export { type ClaimOutcome, expireClaims } from './claims.ts'
export { type Database, type DatabaseOptions, openDatabase } from './database.ts'
export { type LandResult, land } from './land.ts'
export { migrate } from './migrate.ts'
export { ensurePartitions } from './partitions.ts'
export { createReportingRole, dropReportingRole } from './reporting-role.ts'
export { addReceiverSample, addTableSamples, type ReceiverSample } from './samples.ts'
export { createSignInLink } from './sign-in.ts'
export {
  createToken,
  findTokenHolder,
  listTokens,
  revokeToken,
  type Scope,
  scopes,
  type TokenHolder,
} from './tokens.ts'
