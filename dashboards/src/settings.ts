/** The variables that `provisioning/` reads from Grafana's environment. */

export const settings = [
  {
    env: 'TURNLOG_DATABASE_ADDRESS',
    doc: 'Host and port of the PostgreSQL, such as `db.example:5432`.',
  },
  { env: 'TURNLOG_DATABASE_NAME', doc: 'The name of the database.' },
  {
    env: 'TURNLOG_DATABASE_USER',
    doc: 'A role made by `turnlog-receiver role create`. Its password is in `/run/turnlog/reports-password`.',
  },
  {
    env: 'TURNLOG_DATABASE_SSLMODE',
    doc: '`disable`, `require`, `verify-ca` or `verify-full`.',
  },
  {
    env: 'TURNLOG_RECEIVER',
    doc: 'The receiver’s base URL. A token of scope `read` is in `/run/turnlog/read-token`.',
  },
  { env: 'TURNLOG_DASHBOARDS', doc: 'The folder `dashboards/json`, as Grafana sees it.' },
] as const
