/** For a child process that is to see nothing of whoever runs the tests: only how programs are found, and Node's cache. */
export function bareEnvironment(): NodeJS.ProcessEnv {
  const { PATH, NODE_COMPILE_CACHE } = process.env
  return { PATH, NODE_COMPILE_CACHE }
}
