/**
 * Chromium from npm, unpacked once for each user and version.
 *
 * The package unpacks into the temporary folder under fixed names, readable for its first user alone, and takes
 * a half-written file for a whole one. So it unpacks into a folder of its own here, which gets its lasting name
 * when it is complete: test files that start together do no harm, and neither does one that is killed.
 */

import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import chromium from '@sparticuz/chromium'
import { type Browser, chromium as driver } from 'playwright-core'

const fontsFile = 'turnlog-fonts.conf'

/** All processes in one, as the package would have it, ends with the first page that is closed. */
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
  // Whoever comes second finds a folder that is not empty, and uses that one.
  await rename(own, directory).catch(() => rm(own, { recursive: true, force: true }))
  return directory
}

/** The font that comes with the package, so that there is text on a machine without any, and the machine's own. */
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
