import { homedir, userInfo } from 'node:os'
import { expect, onTestFinished, test } from 'vitest'
import { accountName, accountOfList, homeFolder } from '../src/account.ts'

const passwd = `root:x:0:0:root:/root:/bin/sh
ada:x:1000:1000:Ada,,,:/home/ada:/bin/bash
a line of something else
nameless::7
`

test.each([
  [0, { name: 'root', home: '/root' }],
  [1000, { name: 'ada', home: '/home/ada' }],
  [7, { name: 'nameless', home: undefined }],
  [1, {}],
])('the account of user id %i', (uid, account) => {
  expect(accountOfList(passwd, uid)).toEqual(account)
})

test('the name and the home folder are the ones that Node gives', () => {
  expect(accountName()).toBe(userInfo().username)
  expect(homeFolder()).toBe(homedir())
})

test('without HOME the home folder is the one of the account', () => {
  const { HOME } = process.env
  onTestFinished(() => {
    process.env.HOME = HOME
  })
  for (const absent of [undefined, '']) {
    if (absent === undefined) delete process.env.HOME
    else process.env.HOME = absent
    expect(homeFolder()).toBe(userInfo().homedir)
  }
})
