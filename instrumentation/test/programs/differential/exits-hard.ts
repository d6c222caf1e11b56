setTimeout(() => process.exit(5), 5)
setInterval(() => undefined, 1000)

export {}
