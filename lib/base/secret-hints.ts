/** Hints at secrets never hold a value's place on a command line: what is typed there is kept in the shell's history, and seen in lists of processes. */

/** The command that sets a secret setting (`ocaptain:spritesToken`): Pulumi asks for the value, unseen. */
export const askForSecret = (setting: string, remark = "it asks for the value"): string =>
  `pulumi config set --secret ${setting}  # ${remark}`;

/** Where a secret variable goes. */
export const inDotEnv = (name: string): string => `write ${name}=… into the file .env of this project, which git ignores`;
