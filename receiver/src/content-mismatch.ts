/** Why the parts of a content are rejected that are all here: what sender and receiver make of them differs. */
export const contentMismatch = 'the parts of a content are not what their SHA-256 and size say'
