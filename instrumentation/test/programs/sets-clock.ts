/** Loaded before the preload: the time of day is set back by an hour when the process gets SIGUSR2. */
const { now } = Date
let setBy = 0
Date.now = () => now() + setBy
process.on('SIGUSR2', () => {
  setBy = -3_600_000
  console.log('clock set')
})
