import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  openEmbeddedPostgres,
} from '@turnlog/embedded-postgres'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../test/support/ports.ts'
import { findBinaries, type PostgresPackage } from '../src/binaries.ts'
import { processEnded, processesIn, processStart } from '../src/process.ts'
import { startProgram } from '../src/program.ts'

const isRoot = process.getuid?.() === 0

/** A data folder. It is removed after the test, with its cluster, which for root is in another folder. */
async function makeDataFolder(): Promise<string> {
  return (await makeFolder()).data
}

async function makeFolder(): Promise<{ data: string; remove: () => Promise<void> }> {
  const data = await realpath(await mkdtemp(join(tmpdir(), 'turnlog-data-')))
  const remove = async () => {
    for (const name of await readdir(data)) {
      const target = await readlink(join(data, name)).catch(() => undefined)
      if (target === undefined) continue
      await rm(target, { recursive: true, force: true })
      await rm(`${target}.lock`, { force: true })
    }
    await rm(data, { recursive: true, force: true })
  }
  try {
    onTestFinished(remove)
  } catch {
    // Not called in a test: the hooks of its group remove it.
  }
  return { data, remove }
}

/** Opens it, and stops it after the test, even if the test fails. */
async function open(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const postgres = await openEmbeddedPostgres(options)
  onTestFinished(() => postgres.close({ withinMs: 5_000 }))
  return postgres
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

/** Opens it in a process that is then killed, so that PostgreSQL runs on. */
async function openInProcessThatIsKilled(dataDirectory: string) {
  const child = startProcess(dataDirectory)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const line = await firstLine(child.stdout)
  child.kill('SIGKILL')
  await ended
  const opened: { pid: number; url: string } = JSON.parse(line)
  return opened
}

function startProcess(dataDirectory: string) {
  const program = join(import.meta.dirname, 'programs/opens-postgres.ts')
  return spawn(process.execPath, [program, dataDirectory], { stdio: ['ignore', 'pipe', 'inherit'] })
}

async function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stream })) return line
  return ''
}

async function listenSomewhere(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.close()
  })
  return portOf(server)
}

function portOf(server: ReturnType<typeof createServer>): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

describe('a new data folder', () => {
  let data: string
  let remove: () => Promise<void>
  let postgres: EmbeddedPostgres

  beforeAll(async () => {
    ;({ data, remove } = await makeFolder())
    postgres = await openEmbeddedPostgres({ dataDirectory: data })
  })
  afterAll(async () => {
    await postgres.close({ withinMs: 5_000 })
    await remove()
  })

  test('the database is UTF-8, ordered by code point, and its pages have checksums', async () => {
    const [row] = await query(
      postgres.url,
      `select current_database() as name, pg_encoding_to_char(encoding) as encoding, datlocprovider as provider,
              datlocale as locale, current_setting('data_checksums') as checksums,
              current_setting('server_version_num')::int / 10000 as version
         from pg_database where datname = current_database()`,
    )
    expect(row).toEqual({
      name: 'turnlog',
      encoding: 'UTF8',
      provider: 'b',
      locale: 'C.UTF-8',
      checksums: 'on',
      version: 18,
    })
  })

  test('it listens on 127.0.0.1 alone, and on no socket in a folder others share', async () => {
    const [row] = await query(
      postgres.url,
      `select current_setting('listen_addresses') as addresses,
              current_setting('unix_socket_directories') as sockets`,
    )
    expect(row).toEqual({ addresses: '127.0.0.1', sockets: '' })
  })

  test('a wrong password is refused', async () => {
    const url = postgres.url.replace(postgres.password, 'wrong')
    await expect(query(url, 'select 1')).rejects.toMatchObject({ code: '28P01' })
  })

  test('the password is kept in a file of its owner alone, and the cluster is closed to others', async () => {
    const file = join(data, 'postgres.json')
    const { host, port, user, password, database } = postgres
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
      host,
      port,
      user,
      password,
      database,
    })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(join(data, 'postgres'))).mode & 0o777).toBe(0o700)
  })

  test('it runs in a process group of its own', async () => {
    const fields = (await readFile(`/proc/${postgres.pid}/stat`, 'utf8')).split(') ')[1]?.split(' ')
    expect(Number(fields?.[2])).toBe(postgres.pid)
  })

  test.runIf(isRoot)(
    'for root the cluster is in a folder that PostgreSQL’s user can enter',
    async () => {
      expect((await lstat(join(data, 'postgres'))).isSymbolicLink()).toBe(true)
      expect((await stat(join(data, 'postgres'))).uid).not.toBe(0)
    },
  )

  test('the start leaves no temporary files', async () => {
    const names = await readdir(data)
    expect(names.filter((name) => /building|password|tmp/.test(name))).toEqual([])
  })

  test('another process is refused meanwhile', async () => {
    await expect(openEmbeddedPostgres({ dataDirectory: data })).rejects.toMatchObject({
      code: 'TL_DATA_FOLDER_IN_USE',
    })
  })
})

/** Tests that begin with a cluster share one: making it takes a second. Each closes what it opened. */
describe('opened again', () => {
  let data: string
  let remove: () => Promise<void>

  beforeAll(async () => {
    ;({ data, remove } = await makeFolder())
    const postgres = await openEmbeddedPostgres({ dataDirectory: data })
    await query(postgres.url, 'create table kept as select 42 as answer')
    await postgres.close({ withinMs: 5_000 })
  })
  afterAll(() => remove())

  test('the data, the port and the password are kept, also where the folder was moved', async () => {
    const before = await open({ dataDirectory: data })
    await before.close({ withinMs: 5_000 })

    const moved = join(await makeDataFolder(), 'moved')
    await rename(data, moved)
    const after = await open({ dataDirectory: moved })
    expect(after.url).toBe(before.url)
    expect(after.adopted).toBe(false)
    expect(await query(after.url, 'select answer from kept')).toEqual([{ answer: 42 }])
    await after.close({ withinMs: 5_000 })
    await rename(moved, data)
  })

  test('a database left running by a killed process is used again', async () => {
    const left = await openInProcessThatIsKilled(data)
    const lines: string[] = []
    const postgres = await open({ dataDirectory: data, log: (line) => lines.push(line) })
    expect(postgres).toMatchObject({ adopted: true, pid: left.pid, url: left.url })
    expect(lines).toEqual([expect.stringContaining('still running')])
    await postgres.close({ withinMs: 5_000 })
    expect(processStart(left.pid)).toBeUndefined()
    expect(await postgres.exited).toBeDefined()
  })

  test('a database left running on another port than the wanted one is restarted', async () => {
    const left = await openInProcessThatIsKilled(data)
    const port = await freePort()
    const postgres = await open({ dataDirectory: data, port })
    expect(postgres).toMatchObject({ adopted: false, port })
    expect(processStart(left.pid)).toBeUndefined()
    expect(await query(postgres.url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('a crashed database recovers what it had answered', async () => {
    const postgres = await open({ dataDirectory: data })
    await query(postgres.url, 'create table recovered as select 43 as answer')
    // Another program in its folder is neither waited for nor killed.
    const bystander = spawn('sleep', ['1000'], { cwd: await realpath(join(data, 'postgres')) })
    onTestFinished(() => {
      bystander.kill()
    })
    process.kill(postgres.pid, 'SIGKILL')
    expect(await postgres.exited).toEqual({ code: undefined, signal: 'SIGKILL' })
    await postgres.close({ withinMs: 5_000 })

    const again = await open({ dataDirectory: data })
    expect(await query(again.url, 'select answer from recovered')).toEqual([{ answer: 43 }])
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull()
  })

  test('a process id that now belongs to another program is not taken for the database', async () => {
    const postgres = await open({ dataDirectory: data })
    await postgres.close({ withinMs: 5_000 })
    const cluster = await realpath(join(data, 'postgres'))
    await writeFile(
      join(cluster, 'postmaster.pid'),
      `${process.pid}\n${cluster}\n1700000000\n${postgres.port}\n\n127.0.0.1\n\nready\n`,
    )
    const again = await open({ dataDirectory: data })
    expect(again.adopted).toBe(false)
    expect(await query(again.url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('closed, it leaves no process; closing twice does no harm', async () => {
    const postgres = await open({ dataDirectory: data })
    const cluster = await realpath(join(data, 'postgres'))
    const busy = new pg.Client({ connectionString: postgres.url })
    busy.on('error', () => {})
    await busy.connect()
    const sleeping = busy.query('select pg_sleep(60)').catch(() => 'ended')
    await postgres.close({ withinMs: 5_000 })
    await postgres.close({ withinMs: 5_000 })
    expect(await sleeping).toBe('ended')
    expect(processesIn(cluster, 'postgres')).toEqual([])
    expect(await processEnded({ pid: postgres.pid, start: undefined, withinMs: 0 })).toBe(true)
  })

  test('a port that another process took meanwhile is replaced, and a line says so', async () => {
    const port = await freePort()
    const before = await open({ dataDirectory: data, port })
    await before.close({ withinMs: 5_000 })
    const server = createServer().listen(port, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    onTestFinished(() => {
      server.close()
    })
    const lines: string[] = []
    const after = await open({ dataDirectory: data, log: (line) => lines.push(line) })
    expect(after.port).not.toBe(port)
    expect(lines).toEqual([
      expect.stringMatching(`port ${port} is taken by .*process ${process.pid}`),
    ])
    expect(JSON.parse(await readFile(join(data, 'postgres.json'), 'utf8')).port).toBe(after.port)
  })
})

describe('the first start', () => {
  test('files of an interrupted first start are removed', async () => {
    const data = await makeDataFolder()
    const buildings = async () =>
      (await readdir(data)).filter((name) => name.startsWith('postgres.building'))
    const atWork = async () =>
      (await buildings()).filter((name) => existsSync(join(data, name, 'base')))

    const killed = startProcess(data)
    const ended = new Promise((resolve) => killed.once('exit', resolve))
    await expect.poll(atWork, { interval: 10, timeout: 10_000 }).toHaveLength(1)
    const left = await buildings()
    killed.kill('SIGKILL')
    await ended
    expect(existsSync(join(data, 'postgres'))).toBe(false)

    const stop = new AbortController()
    const stopped = openEmbeddedPostgres({ dataDirectory: data, signal: stop.signal })
    await expect
      .poll(atWork, { interval: 10, timeout: 10_000 })
      .toEqual([expect.not.stringMatching(left[0] ?? '')])
    stop.abort()
    await expect(stopped).rejects.toThrow()
    expect(await buildings()).toEqual([])
    expect(existsSync(join(data, 'postgres'))).toBe(false)

    const postgres = await open({ dataDirectory: data })
    expect(await query(postgres.url, 'select 1 as one')).toEqual([{ one: 1 }])
    expect(await buildings()).toEqual([])
  })

  test('of two starts at once on one folder one succeeds, the other is refused', async () => {
    const data = await makeDataFolder()
    const both = await Promise.allSettled([
      openEmbeddedPostgres({ dataDirectory: data }),
      openEmbeddedPostgres({ dataDirectory: data }),
    ])
    const [opened, ...others] = both.flatMap((each) =>
      each.status === 'fulfilled' ? [each.value] : [],
    )
    onTestFinished(() => opened?.close({ withinMs: 5_000 }))
    expect(others).toEqual([])
    expect(both.find((each) => each.status === 'rejected')?.reason).toMatchObject({
      code: 'TL_DATA_FOLDER_IN_USE',
    })
    expect(await query(opened?.url ?? '', 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('a wanted port that is taken is refused, and the message names the process', async () => {
    const port = await listenSomewhere()
    await expect(
      openEmbeddedPostgres({ dataDirectory: await makeDataFolder(), port }),
    ).rejects.toMatchObject({ code: 'TL_PORT_TAKEN', message: expect.stringContaining(`${port}`) })
  })
})

describe('a refusal is one line:', () => {
  async function refusal(dataDirectory: string): Promise<unknown> {
    const error: unknown = await openEmbeddedPostgres({ dataDirectory }).catch((each) => each)
    expect(error).toMatchObject({ message: expect.not.stringContaining('\n') })
    return error
  }

  test('a cluster of another major version', async () => {
    const data = await makeDataFolder()
    await mkdir(join(data, 'postgres'))
    await writeFile(join(data, 'postgres/PG_VERSION'), '17\n')
    expect(await refusal(data)).toMatchObject({
      code: 'TL_POSTGRES_VERSION',
      message: expect.stringMatching(/17.*18/),
    })
  })

  test('a link that leads nowhere', async () => {
    const data = await makeDataFolder()
    await symlink(join(data, 'gone'), join(data, 'postgres'))
    expect(await refusal(data)).toMatchObject({ code: 'TL_POSTGRES_CLUSTER' })
  })

  test('something that is not a cluster', async () => {
    const data = await makeDataFolder()
    await mkdir(join(data, 'postgres'))
    await writeFile(join(data, 'postgres/diary.txt'), 'dear diary')
    expect(await refusal(data)).toMatchObject({ code: 'TL_POSTGRES_CLUSTER' })
    expect(await readFile(join(data, 'postgres/diary.txt'), 'utf8')).toBe('dear diary')
  })

  test('a file where the folder should be', async () => {
    const file = join(await makeDataFolder(), 'file')
    await writeFile(file, '')
    expect(await refusal(file)).toMatchObject({ code: 'TL_DATA_FOLDER' })
    expect(await refusal(join(file, 'below'))).toMatchObject({ code: 'TL_DATA_FOLDER' })
  })

  test.skipIf(process.platform !== 'linux')(
    'a folder in procfs is refused, since no folder can be made there',
    async () => {
      expect(await refusal('/proc/nobody/data')).toMatchObject({ code: 'TL_DATA_FOLDER' })
    },
  )

  test.skipIf(isRoot)('a folder that cannot be written', async () => {
    const data = await makeDataFolder()
    await chmod(data, 0o500)
    expect(await refusal(data)).toMatchObject({ code: 'TL_DATA_FOLDER' })
    await chmod(data, 0o700)
  })
})

describe('the programs', () => {
  /** A small package as npm leaves it without install scripts: no links among the libraries. */
  async function packageWithoutLinks(): Promise<PostgresPackage> {
    const root = join(await makeDataFolder(), 'native')
    for (const folder of ['bin', 'lib/pkgconfig', 'share']) {
      await mkdir(join(root, folder), { recursive: true })
    }
    for (const file of [
      'bin/postgres',
      'bin/initdb',
      'lib/libpq.so.5.18',
      'lib/libpq.a',
      'share/postgres.bki',
    ]) {
      await writeFile(join(root, file), file)
    }
    const links = [{ path: 'lib/libpq.so.5', to: 'libpq.so.5.18' }]
    return { root, version: '18.4.0', platform: 'test', links }
  }

  test('the links that npm did not make are made, also by two at once', async () => {
    const source = await packageWithoutLinks()
    const options = { copiesFolder: await makeDataFolder(), mustCopy: false, source }
    const found = await Promise.all([findBinaries(options), findBinaries(options)])
    expect(found).toEqual([source.root, source.root])
    for (const { path } of source.links) {
      expect((await stat(join(source.root, path))).isFile()).toBe(true)
    }
    expect((await readdir(join(source.root, 'lib'))).filter((name) => /tmp/.test(name))).toEqual([])
  })

  test('a copy is complete, made once, also by two at once, and replaced when damaged', async () => {
    const source = await packageWithoutLinks()
    const copiesFolder = await makeDataFolder()
    const options = { copiesFolder, mustCopy: true, source }
    const [copy, other] = await Promise.all([findBinaries(options), findBinaries(options)])
    expect(other).toBe(copy)
    expect(await readdir(copiesFolder)).toEqual(['postgresql-18.4.0-test'])
    expect(await readdir(join(copy, 'lib'))).toEqual(['libpq.so.5', 'libpq.so.5.18'])
    expect((await stat(join(copy, 'bin/initdb'))).mode & 0o777).toBe(0o755)

    await rm(join(copy, 'share/postgres.bki'))
    expect(await findBinaries(options)).toBe(copy)
    expect((await stat(join(copy, 'share/postgres.bki'))).size).toBeGreaterThan(0)
    expect(await readdir(copiesFolder)).toHaveLength(1)
  })

  test('one that cannot be run is refused in one line', async () => {
    const program = join(await makeDataFolder(), 'initdb')
    await expect(startProgram(program, [], undefined)).rejects.toMatchObject({
      code: 'TL_POSTGRES_MISSING',
      message: expect.stringMatching(/^'.*initdb' cannot be run .*DATABASE_URL[^\n]*$/),
    })
  })

  test.skipIf(isRoot)('a package that cannot be written is copied', async () => {
    const source = await packageWithoutLinks()
    await chmod(join(source.root, 'lib'), 0o500)
    const copiesFolder = await makeDataFolder()
    const found = await findBinaries({ copiesFolder, mustCopy: false, source })
    expect(found.startsWith(copiesFolder)).toBe(true)
    await chmod(join(source.root, 'lib'), 0o700)
  })
})

// docs/OPERATING.md describes this backup.
test('a stopped data folder, packed and unpacked elsewhere, is the same database', async () => {
  const [from, to] = [await makeDataFolder(), await makeDataFolder()]
  const original = await open({ dataDirectory: from })
  await query(original.url, 'create table kept as select generate_series(1, 1000) as n')
  await original.close({ withinMs: 30_000 })
  const archive = join(await realpath(await mkdtemp(join(tmpdir(), 'turnlog-backup-'))), 'b.tgz')
  onTestFinished(() => rm(join(archive, '..'), { recursive: true }))
  execFileSync('tar', ['--dereference', '-czf', archive, '-C', from, '.'])
  await query((await open({ dataDirectory: from })).url, 'insert into kept values (1001)')
  execFileSync('tar', ['-xpzf', archive, '-C', to])
  // As root: the folder has come back for root alone, and PostgreSQL runs as another user.
  if (isRoot) {
    await expect(open({ dataDirectory: to })).rejects.toMatchObject({
      code: 'TL_POSTGRES_START',
      message: expect.stringContaining(`may not enter '${await realpath(to)}'`),
    })
  }
  await chmod(to, 0o711)
  const copy = await open({ dataDirectory: to })
  expect(await query(copy.url, 'select count(*)::int as rows from kept')).toEqual([{ rows: 1000 }])
})
