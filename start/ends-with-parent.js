/**
 * A preload that ends this process when its parent has ended, even by `kill -9`.
 *
 * The channel between the two closes when either ends. This process then sends itself SIGTERM, and kills its process group
 * when it exits, since no other process is left to do so.
 */

/** A chat app needs two or three seconds to close. */
const endsWithinMs = 5_000

if (process.channel !== undefined) {
  process.once('disconnect', () => {
    process.once('exit', endGroup)
    process.kill(process.pid, 'SIGTERM')
    setTimeout(endGroup, endsWithinMs).unref()
  })
  // Listening would keep the process alive; that is the program's decision.
  process.channel.unref()
}

function endGroup() {
  try {
    process.kill(-process.pid, 'SIGKILL')
  } catch {
    // This process leads no group, so there is none to end.
  }
}
