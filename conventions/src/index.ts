/** Exports Turnlog's names and ids on the wire. Import the other shared code by file: `@turnlog/conventions/plain`. */
export * from './names/attributes.ts'
export * from './names/definition.ts'
export * from './names/delivery.ts'
export * from './names/events.ts'
export * from './names/ids.ts'
export * from './names/metrics.ts'
