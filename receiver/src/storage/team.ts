/** Every key has a team; there is one so far. */
export const defaultTeam = 'default'
