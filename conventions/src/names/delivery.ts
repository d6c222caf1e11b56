/** Names and limits that sender and receiver agree on beside OTLP. */

/**
 * A header of the receiver's answer to an OTLP request. `committed` means that every record that the answer does not reject
 * is in the ledger. A Collector does not forward headers, so its answer does not have it.
 */
export const ledgerHeader = 'turnlog-ledger'
export const ledgerCommitted = 'committed'

/** The largest content that a receiver puts together, and the largest number of its parts. */
export const partedContentBytesMax = 64 * 1024 ** 2
export const contentPartsMax = 1_024
/** The largest part that a sender makes, in bytes of UTF-8. */
export const contentPartBytesMax = 1024 ** 2
