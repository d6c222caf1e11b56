process.kill(process.pid, 'SIGTERM')
setTimeout(() => undefined, 5_000)

export {}
