process.exitCode = 7
console.log('bye')

export {}
