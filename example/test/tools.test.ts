import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createRunCommand } from '../src/tools/run-command.ts'
import { createToolbox } from '../src/tools/toolbox.ts'
import { openWorkspace } from '../src/tools/workspace.ts'
import { temporaryDirectory } from './support/directory.ts'
import { eventually } from './support/patience.ts'

/** The tools with a workspace, and with a folder of foreign files beside it. */
async function openTools() {
  const directory = await temporaryDirectory()
  const outside = join(directory, 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'secret.txt'), 'secret')
  const workspace = await openWorkspace(join(directory, 'workspace'))
  const toolbox = createToolbox(workspace)
  return {
    root: workspace.root,
    outside,
    run: (name: string, input: unknown) => toolbox.run(name, input, new AbortController().signal),
  }
}

describe('the workspace', () => {
  const leadingOut = [
    '../outside/secret.txt',
    'folder/../../outside/secret.txt',
    '..',
    '/etc/passwd',
    'link-to-folder/secret.txt',
    'link-to-folder/new.txt',
    'link-to-file',
    'link-to-nothing',
    'link-to-nothing/new.txt',
    'link-to-folder/new/deep.txt',
    'nul\0.txt',
    '',
  ]

  test.each(leadingOut)('no tool follows %j', async (path) => {
    const { root, outside, run } = await openTools()
    symlinkSync(outside, join(root, 'link-to-folder'))
    symlinkSync(join(outside, 'secret.txt'), join(root, 'link-to-file'))
    symlinkSync(join(outside, 'not-yet.txt'), join(root, 'link-to-nothing'))
    writeFileSync(join(root, 'mine.txt'), 'mine')

    for (const [name, input] of [
      ['read_file', { path }],
      ['write_file', { path, content: 'x' }],
      ['edit_file', { path, old_text: 'secret', new_text: 'x' }],
      ['delete_file', { path }],
      ['rename_file', { from: path, to: 'stolen.txt' }],
      ['rename_file', { from: 'mine.txt', to: path }],
      ['list_files', { path }],
    ] as const) {
      expect(await run(name, input)).toMatchObject({ status: 'failed' })
    }
    expect(readdirSync(outside)).toEqual(['secret.txt'])
    expect(readFileSync(join(outside, 'secret.txt'), 'utf8')).toBe('secret')
    expect(readFileSync(join(root, 'mine.txt'), 'utf8')).toBe('mine')
  })

  test('a link that stays inside is an ordinary path', async () => {
    const { root, run } = await openTools()
    mkdirSync(join(root, 'folder'))
    symlinkSync('folder', join(root, 'link'))
    expect(await run('write_file', { path: 'link/a.txt', content: 'x' })).toMatchObject({
      status: 'ok',
    })
    expect(readFileSync(join(root, 'folder/a.txt'), 'utf8')).toBe('x')
  })
})

describe('the file tools', () => {
  test('a file is written into missing folders, read, renamed and deleted', async () => {
    const { root, run } = await openTools()
    const content = '\uFEFFGrüße\r\nno newline at the end 😀\0'
    await run('write_file', { path: 'a/b/c.txt', content })
    expect(await run('read_file', { path: 'a/b/c.txt' })).toEqual({ status: 'ok', text: content })
    expect(await run('list_files', { path: 'a' })).toEqual({ status: 'ok', text: 'b/' })
    expect(await run('rename_file', { from: 'a/b/c.txt', to: 'd/e.txt' })).toMatchObject({
      status: 'ok',
    })
    expect(readFileSync(join(root, 'd/e.txt'), 'utf8')).toBe(content)
    expect(await run('delete_file', { path: 'd/e.txt' })).toMatchObject({ status: 'ok' })
    expect(existsSync(join(root, 'd/e.txt'))).toBe(false)
  })

  test('an edit replaces text that occurs exactly once', async () => {
    const { root, run } = await openTools()
    writeFileSync(join(root, 'a.txt'), 'one\r\ntwo\r\ntwo\r\n')
    const edit = (old_text: string, new_text: string) =>
      run('edit_file', { path: 'a.txt', old_text, new_text })
    expect(await edit('two', 'x')).toMatchObject({ status: 'failed', text: /2 times/ })
    expect(await edit('three', 'x')).toMatchObject({ status: 'failed', text: /does not occur/ })
    expect(await edit('', 'x')).toMatchObject({ status: 'failed' })
    expect(await edit('one', "$& $1 $'")).toMatchObject({ status: 'ok' })
    expect(readFileSync(join(root, 'a.txt'), 'utf8')).toBe("$& $1 $'\r\ntwo\r\ntwo\r\n")
  })

  test('an impossible request is refused with a reason, and nothing is changed', async () => {
    const { root, run } = await openTools()
    mkdirSync(join(root, 'folder'))
    writeFileSync(join(root, 'binary'), Buffer.from([0xff, 0xfe, 0x00]))
    const attempts = [
      run('read_file', { path: 'none.txt' }),
      run('read_file', { path: 'folder' }),
      run('read_file', { path: 'binary' }),
      run('edit_file', { path: 'binary', old_text: 'a', new_text: 'b' }),
      run('delete_file', { path: 'folder' }),
      run('rename_file', { from: 'folder', to: 'other' }),
      run('write_file', { path: 'folder', content: '' }),
      run('write_file', { path: 'binary/below', content: '' }),
      run('write_file', { path: 'a.txt' }),
      run('list_files', { path: 'binary' }),
      run('run_command', { command: 5 }),
      run('no_such_tool', {}),
      run('read_file', null),
    ]
    for (const outcome of await Promise.all(attempts)) {
      expect(outcome).toEqual({ status: 'failed', text: expect.stringMatching(/\.$/) })
    }
    expect(readdirSync(root).sort()).toEqual(['binary', 'folder'])
  })
})

describe('run_command', () => {
  async function openShell(limits = { timeMs: 5_000, outputBytes: 10_000 }) {
    const workspace = await openWorkspace(join(await temporaryDirectory(), 'workspace'))
    const tool = createRunCommand(workspace, limits)
    return {
      root: workspace.root,
      run: (command: string, signal = new AbortController().signal) =>
        tool.run({ command }, signal),
    }
  }

  test('it runs in the workspace and answers output of both kinds and the exit code', async () => {
    const { root, run } = await openShell()
    expect(await run('pwd; echo oops >&2; exit 3')).toEqual({
      status: 'ok',
      text: `${root}\noops\n[exit code 3]`,
    })
    expect(await run('true')).toEqual({ status: 'ok', text: '[exit code 0]' })
  })

  test('it does not see the keys of the app', async () => {
    process.env.ANTHROPIC_API_KEY_OF_TEST = 'secret'
    const { run } = await openShell()
    expect((await run('env')).text).not.toContain('secret')
    delete process.env.ANTHROPIC_API_KEY_OF_TEST
  })

  test('output above the limit is left out and counted', async () => {
    const { run } = await openShell({ timeMs: 5_000, outputBytes: 1_000 })
    const { text } = await run('head -c 5000 /dev/zero | tr "\\0" x')
    expect(text).toMatch(
      /^x{1000}\n\[4000 bytes of output were left out, above the limit of 1000\]/,
    )
  })

  test('a command that takes too long ends with everything it started', async () => {
    const { root, run } = await openShell({ timeMs: 300, outputBytes: 1_000 })
    const outcome = await run('(while :; do date +%N > beat; sleep 0.02; done) & echo begun; wait')
    expect(outcome).toEqual({
      status: 'failed',
      text: 'begun\n[ended after its limit of 0.3 seconds]',
    })
    await expectSilence(join(root, 'beat'))
  })

  test('an aborted turn ends its command with all background processes', async () => {
    const { root, run } = await openShell()
    const leaving = new AbortController()
    const outcome = run('(while :; do date +%N > beat; sleep 0.02; done) & wait', leaving.signal)
    await eventually(() => existsSync(join(root, 'beat')))
    leaving.abort()
    expect(await outcome).toMatchObject({ status: 'failed', text: /aborted/ })
    await expectSilence(join(root, 'beat'))
  })

  test('background processes end with the shell', async () => {
    const { root, run } = await openShell()
    const outcome = await run('(while :; do date +%N > beat; sleep 0.02; done) & sleep 0.1')
    expect(outcome).toMatchObject({ status: 'ok', text: /exit code 0/ })
    await expectSilence(join(root, 'beat'))
  })

  /** Nothing writes the file any more. Time must pass for that, many times what a beat takes. */
  async function expectSilence(beat: string): Promise<void> {
    writeFileSync(beat, 'silence')
    await sleep(150)
    expect(readFileSync(beat, 'utf8')).toBe('silence')
  }
})
