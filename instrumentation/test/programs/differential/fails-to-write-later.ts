setTimeout(() => import('node:fs').then((fs) => fs.promises.rename('no', 'where')), 1)

export {}
