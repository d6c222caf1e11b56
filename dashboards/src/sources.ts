/** The two data sources, as `provisioning/datasources` makes them. */

export const postgres = { type: 'grafana-postgresql-datasource', uid: 'turnlog-postgres' } as const
/** The receiver, which speaks Jaeger's query API. */
export const jaeger = { type: 'jaeger', uid: 'turnlog-jaeger' } as const
