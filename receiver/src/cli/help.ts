/** The text of `turnlog-receiver --help`. */
import { settings } from '../config.ts'

const commands = `turnlog-receiver <command>

  serve                                       run the receiver; stops on Ctrl-C
  token create --user <name> [--scope ingest] print a new token: ingest, gateway, read or admin
    [--write-to <file>]                       write it to a file instead, unless the file has a valid one
  token list                                  list the holders of tokens, without the tokens
  token revoke <id or token>                  revoke a token
  role create <name>                          create a database role that can read the views; print its password
    [--password-file <file>]                  read the password from a file, or write it there; repeat after an upgrade
  role drop <name>                            drop the role
  secret --write-to <file>                    write a random password to a file, unless it has one
  link                                        print a link that signs in one browser, once
  purge --before <date> [--dry-run]           delete all records from before that day (UTC), or list them only
  health                                      exit with 0 if the receiver and its database answer

The database is that of DATABASE_URL, or else the one that is running for TURNLOG_DATA (\`npm start\`).

Settings, from the environment:
`

export function helpText(): string {
  const lines = Object.values(settings).map(({ env, doc }) => `  ${env}\n      ${doc}`)
  return `${commands}${lines.join('\n')}`
}
