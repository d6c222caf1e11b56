/**
 * Finds where OpenTelemetry's exporters send, and with which token. Pure. Uses `OTEL_EXPORTER_OTLP_*` as specified, else
 * `TELEMETRY_ENDPOINT`; never the specification's default, `localhost:4318`, which nobody has configured.
 */
import { parseEndpoint } from './endpoint.ts'

/** The variables read here; the exporters read the others themselves. */
export interface OtlpVariables {
  readonly endpoint: string | undefined
  readonly tracesEndpoint: string | undefined
  readonly logsEndpoint: string | undefined
  readonly headers: string | undefined
  readonly tracesHeaders: string | undefined
  readonly logsHeaders: string | undefined
}

export interface OtlpTarget {
  readonly url: string
  /** Beside those of `OTEL_EXPORTER_OTLP_HEADERS`. */
  readonly headers: Readonly<Record<string, string>>
}

export type OtlpTargets = Readonly<Record<'traces' | 'logs', OtlpTarget>>

export type OtlpTargetsResult =
  | { readonly status: 'ok'; readonly targets: OtlpTargets }
  /** The reason never repeats an address, which may contain a password. */
  | { readonly status: 'invalid'; readonly reason: string }

export interface TelemetrySettings {
  /** A base URL. */
  readonly endpoint: string | undefined
  readonly token: string | undefined
}

export function otlpTargets(variables: OtlpVariables, own: TelemetrySettings): OtlpTargetsResult {
  const traces = urlOf('traces', variables.tracesEndpoint, variables.endpoint, own.endpoint)
  const logs = urlOf('logs', variables.logsEndpoint, variables.endpoint, own.endpoint)
  if ('reason' in traces) return { status: 'invalid', ...traces }
  if ('reason' in logs) return { status: 'invalid', ...logs }
  const { headers, tracesHeaders, logsHeaders } = variables
  const targets = {
    traces: { ...traces, headers: headersFor(traces.url, [headers, tracesHeaders], own) },
    logs: { ...logs, headers: headersFor(logs.url, [headers, logsHeaders], own) },
  }
  return { status: 'ok', targets }
}

type UrlResult = { readonly url: string } | { readonly reason: string }

/** A signal's own address is used unchanged; a base address gets the signal's path. */
function urlOf(
  signal: 'traces' | 'logs',
  specific: string | undefined,
  base: string | undefined,
  own: string | undefined,
): UrlResult {
  if (specific !== undefined) {
    return checked(specific, `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`)
  }
  if (base !== undefined) {
    const result = checked(base, 'OTEL_EXPORTER_OTLP_ENDPOINT')
    if ('reason' in result) return result
    const url = new URL(result.url)
    url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/${signal}`
    return { url: url.href }
  }
  const parsed = own === undefined ? undefined : parseEndpoint(own)
  if (parsed?.status === 'ok') return { url: parsed.urls[signal] }
  return { reason: `no endpoint is set for ${signal}` }
}

function checked(text: string, name: string): UrlResult {
  const isUrl = /^https?:\/\//i.test(text) && URL.canParse(text)
  return isUrl ? { url: new URL(text).href } : { reason: `${name} is no http:// or https:// URL` }
}

/**
 * The token is sent only to the origin of `TELEMETRY_ENDPOINT`, or, if that is not set, to the given address. An
 * `authorization` among the headers takes precedence.
 */
function headersFor(
  url: string,
  headers: readonly (string | undefined)[],
  { endpoint, token }: TelemetrySettings,
): OtlpTarget['headers'] {
  const isForeign = endpoint !== undefined && new URL(endpoint).origin !== new URL(url).origin
  const isGiven = headers.some((list) => /(?:^|,)\s*authorization\s*=/i.test(list ?? ''))
  return token === undefined || isForeign || isGiven ? {} : { authorization: `Bearer ${token}` }
}
