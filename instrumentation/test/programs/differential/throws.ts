throw new TypeError('thrown at the top')

export {}
