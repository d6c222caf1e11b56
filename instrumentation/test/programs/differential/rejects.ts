void Promise.reject(new RangeError('rejected'))

export {}
