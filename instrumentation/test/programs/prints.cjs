console.log('prints')
console.error('complains')
