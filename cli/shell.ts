/**
 * The environment of the shell in which `ocaptain` was typed, before anything is added to it: `ocaptain` itself finds
 * tools that this shell does not. It is to be imported before `.env` is read.
 */
export const shell: Readonly<Record<string, string | undefined>> = { ...process.env };
