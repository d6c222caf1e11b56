/** What an app of `apps/` is: one agent turn, run with the packages of one folder. */

// biome-ignore lint/suspicious/noExplicitAny: the same app runs with several versions of a package, each with types of its own.
export type Loaded = any

export interface Surroundings {
  /** The scripted model server. */
  readonly api: string
  /** The same, over HTTP/2 without TLS. */
  readonly http2Api: string
  readonly isStreamed: boolean
  /** What the person wrote. */
  readonly prompt: string
  /** Imports or requires a package of the folder, as the run says. */
  load(name: string): Promise<Loaded>
  /** How often the client tries a request again that has failed. */
  readonly retries: number
  /** The user stops the model's answer. */
  readonly signal: AbortSignal
  /** The tool; throws if it fails. */
  writeFile(input: { readonly path: string; readonly text: string }): Promise<string>
}

/** Resolves with the model's last text. */
export type App = (surroundings: Surroundings) => Promise<string>

/** The result of the tool that a loop sends to the model, also if the tool fails. */
export async function resultOf(
  run: () => Promise<string>,
): Promise<{ readonly text: string; readonly isError: boolean }> {
  try {
    return { text: await run(), isError: false }
  } catch (error) {
    return { text: String(error), isError: true }
  }
}

/** The exported value, of a module that was imported or required. */
export function defaultOf(loaded: Loaded): Loaded {
  return loaded.default?.default ?? loaded.default ?? loaded
}
