/** What sender and receiver say to each other beside OTLP. */

/**
 * A header of the receiver's answer to an OTLP request, with the value `committed`: what the answer does not reject is
 * in the ledger. A Collector answers for itself and passes no header on, so its answer lacks it.
 */
export const ledgerHeader = 'turnlog-ledger'
export const ledgerCommitted = 'committed'
