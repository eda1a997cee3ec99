import { existsSync } from "node:fs";
import { join } from "node:path";

/**
 * Sets environment variables from the file `.env` in `folder`, which is the project's, if there is one. A variable that
 * is set already keeps its value. Every process that reads our variables calls this first: the Pulumi program, its
 * providers, the command `ocaptain`.
 */
export function loadDotEnv(folder: string): void {
  const file = join(folder, ".env");
  if (existsSync(file)) process.loadEnvFile(file);
}
