console.log('prints')
console.error('complains')
// A record: an error that the app handles.
process.on('unhandledRejection', () => undefined)
void Promise.reject(new Error('handled'))
