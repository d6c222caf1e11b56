/** What sender and receiver say to each other beside OTLP. */

/**
 * A header of the receiver's answer to an OTLP request, with the value `committed`: what the answer does not reject is
 * in the ledger. A Collector answers for itself and passes no header on, so its answer lacks it.
 */
export const ledgerHeader = 'turnlog-ledger'
export const ledgerCommitted = 'committed'

/** The largest content a receiver puts together, and how many parts it may come in. */
export const partedContentBytesMax = 64 * 1024 ** 2
export const contentPartsMax = 1_024
/** What a sender puts into one part, in bytes of UTF-8. */
export const contentPartBytesMax = 1024 ** 2
