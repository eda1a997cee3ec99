/**
 * The environment of the shell in which `ocaptain` was typed, as it is before anything is added: `bin/ocaptain` finds tools that this shell does not. To be
 * imported before `.env` is read.
 */
export const shell: Readonly<Record<string, string | undefined>> = {
  ...process.env,
  PATH: process.env.OCAPTAIN_SHELL_PATH ?? process.env.PATH,
};
delete process.env.OCAPTAIN_SHELL_PATH;
