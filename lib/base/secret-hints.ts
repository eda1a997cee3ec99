/** Hints at secrets never hold a value's place on a command line: what is typed there is kept in the shell's history, and seen in lists of processes. */

/** The command that sets a secret setting (`ocaptain:spritesToken`), of `stack` where that is known: Pulumi asks for the value, unseen. */
export const askForSecret = (setting: string, remark = "it asks for the value", stack?: string): string =>
  `pulumi config set --secret ${setting}${stack ? ` -s ${stack}` : ""}  # ${remark}`;

/** Where a secret variable goes. */
export const inDotEnv = (name: string): string => `write ${name}=… into the file .env of this project, which git ignores`;
