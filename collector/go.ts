import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** The Collector's modules say `go 1.26.0`. */
const minorMin = 26

/** Alternatives that need neither Go nor a build. */
const elsewhere =
  'Without Go: `docker compose up collector` runs the stock image, and TURNLOG_COLLECTOR_PROGRAM names a Collector that is installed.'

export type Go = { readonly status: 'ok' } | { readonly status: 'missing'; readonly reason: string }

/** Whether a Go that can build the Collector is on the PATH; the reason is one line for the user. */
export async function findGo(environment: NodeJS.ProcessEnv): Promise<Go> {
  const asked = promisify(execFile)('go', ['env', 'GOVERSION'], { env: environment })
  return judgeGo(await asked.then(({ stdout }) => stdout.trim()).catch(() => undefined))
}

/** `version` is the output of `go env GOVERSION` (`go1.26.8`, `go1.27rc1`, `devel go1.27-…`), undefined without Go. */
export function judgeGo(version: string | undefined): Go {
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(version ?? '') ?? []
  if (Number(major) > 1 || Number(minor) >= minorMin) return { status: 'ok' }
  const found = version === undefined ? 'and none is installed' : `this is ${version}`
  const reason = `Building the Collector needs Go 1.${minorMin} or newer (https://go.dev/dl/), ${found}. ${elsewhere}`
  return { status: 'missing', reason }
}
