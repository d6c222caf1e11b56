/** What `turnlog-receiver --help` says. */
import { settings } from '../config.ts'

const commands = `turnlog-receiver <command>

  serve                                       land what is sent, and show it; stops on Ctrl-C
  token create --user <name> [--scope ingest] print a new token: ingest, gateway, read or admin
    [--write-to <file>]                       into a file instead; one that is there and good is kept
  token list                                  who has tokens; never the tokens
  token revoke <id or token>                  end one
  role create <name>                          print the password of a database role that may read the views
    [--password-file <file>]                  into a file instead, or taken from it; again after an upgrade
  role drop <name>                            end one
  secret --write-to <file>                    a random password into a file, unless there is one
  link                                        print a link that signs a browser in, once
  purge --before <date> [--dry-run]           drop all records from before that day (UTC); or say what would go
  health                                      ends with 0 when the receiver and its database answer

The database is that of DATABASE_URL, else the one that runs for TURNLOG_DATA (\`npm start\`).

Settings, from the environment:
`

export function helpText(): string {
  const lines = Object.values(settings).map(({ env, doc }) => `  ${env}\n      ${doc}`)
  return `${commands}${lines.join('\n')}`
}
