import { chmod, rm } from "node:fs/promises";
import { runProgram } from "../../lib/base/run-program.ts";

/** Removes a folder with all that is in it, also folders that their owner may not write, as module caches are. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch(async () => {
    await chmod(folder, 0o700);
    await runProgram("chmod", ["-R", "u+rwX", folder], { timeoutMs: 60_000 });
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  });
}
