/**
 * A preload: this process ends when the one that started it is gone, however that ended.
 *
 * The channel between the two closes with either. It is asked to end (SIGTERM) first, and its process group goes with
 * it: nobody is left to end that.
 */

/** A chat app closes within two or three seconds. */
const endsWithinMs = 5_000

if (process.channel !== undefined) {
  process.once('disconnect', () => {
    process.once('exit', endGroup)
    process.kill(process.pid, 'SIGTERM')
    setTimeout(endGroup, endsWithinMs).unref()
  })
  // Listening makes the channel keep the process alive, which is for the program to decide.
  process.channel.unref()
}

function endGroup() {
  try {
    process.kill(-process.pid, 'SIGKILL')
  } catch {
    // It does not lead a group: then there is none to end.
  }
}
