import { decide, fileOperation } from '@turnlog/instrumentation'

const operationId = fileOperation({ path: 'a.txt' })
decide({ operationId, source: 'user', type: 'perhaps' })
