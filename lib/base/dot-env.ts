import { existsSync } from "node:fs";
import { join } from "node:path";

/**
 * Takes variables from `.env` in `folder` (the project's), as the prior art does, and never over what is set. Every process that reads our
 * variables calls this first: the program, its provider, the command. Quiet where there is none.
 */
export function loadDotEnv(folder: string): void {
  const file = join(folder, ".env");
  if (existsSync(file)) process.loadEnvFile(file);
}
