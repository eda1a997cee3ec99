// No hint asks for a secret on a command line, which would be kept in the shell's history and seen by other processes.

/**
 * The command that sets a secret setting such as `ocaptain:spritesToken`, for `stack` where it is known. Pulumi asks
 * for the value and does not show it.
 */
export const askForSecret = (setting: string, remark = "it asks for the value", stack?: string): string =>
  `pulumi config set --secret ${setting}${stack ? ` -s ${stack}` : ""}  # ${remark}`;

/** The hint that says where a secret variable is to be written. */
export const inDotEnv = (name: string): string => `write ${name}=… into the file .env of this project, which git ignores`;
