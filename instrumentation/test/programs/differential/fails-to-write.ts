await import('node:fs').then((fs) => fs.writeFileSync('no/where', 'x'))

export {}
