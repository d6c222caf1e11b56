void Promise.reject({ not: 'an error' })

export {}
