/** The two data sources that `provisioning/datasources` defines. */

export const postgres = { type: 'grafana-postgresql-datasource', uid: 'turnlog-postgres' } as const
/** The receiver's Jaeger query API. */
export const jaeger = { type: 'jaeger', uid: 'turnlog-jaeger' } as const
