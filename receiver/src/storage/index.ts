/** The package's entry `@turnlog/receiver/storage`: what the supervisor, the bench and tests of other packages use. */

export { type Database, openDatabase } from './database.ts'
export { ensurePartitions } from './keep/partitions.ts'
export { addTableSamples } from './keep/samples.ts'
export { migrate } from './migrate.ts'
export { createReportingRole, dropReportingRole } from './reporting-role.ts'
export { createSignInLink } from './sign-in.ts'
export { createToken, findTokenHolder, type TokenScope } from './tokens.ts'
