import { spawn } from 'node:child_process'

/** The Collector's modules say `go 1.26.0`. */
const minorMin = 26

/** Alternatives that need neither Go nor a build. */
const elsewhere =
  'Without Go: `docker compose up collector` runs the stock image, and TURNLOG_COLLECTOR_PROGRAM names a Collector that is installed.'

export type Go = { readonly status: 'ok' } | { readonly status: 'missing'; readonly reason: string }

/** Whether a Go that can build the Collector is on the PATH; the reason is one line for the user. */
export async function findGo(environment: NodeJS.ProcessEnv): Promise<Go> {
  return judgeGo(await goVersion(environment))
}

/** `version` is the output of `go env GOVERSION` (`go1.26.8`, `go1.27rc1`, `devel go1.27-…`), undefined without Go. */
export function judgeGo(version: string | undefined): Go {
  if (version === undefined) {
    const reason = `Building the Collector needs Go 1.${minorMin} or newer (https://go.dev/dl/), and none is installed. ${elsewhere}`
    return { status: 'missing', reason }
  }
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(version) ?? []
  if (Number(major) > 1 || Number(minor) >= minorMin) return { status: 'ok' }
  const reason = `Building the Collector needs Go 1.${minorMin} or newer (https://go.dev/dl/), this is ${version}. ${elsewhere}`
  return { status: 'missing', reason }
}

function goVersion(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn('go', ['env', 'GOVERSION'], {
      env: environment,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    child.once('error', () => resolve(undefined))
    child.once('close', (code) => resolve(code === 0 ? text.trim() : undefined))
  })
}
