import { existsSync } from "node:fs";
import { join } from "node:path";
import { PROJECT } from "./program-file.ts";

/** Whether this is a checkout: the package has no lock file, and no scripts for npm. */
export const isCheckout = existsSync(join(PROJECT, "package-lock.json"));

/** The command that sets up what is missing, or the named part alone. */
export const setUpCommand = (part?: string): string =>
  isCheckout ? `npm run setup${part ? ` -- ${part}` : ""}` : `ocaptain setup${part ? ` ${part}` : ""}`;

/** The command that brings what was set up to a shell. */
export const loadCommand = (): string => (isCheckout ? ". .tools/env.sh" : 'eval "$(ocaptain env)"');
