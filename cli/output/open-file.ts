import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Io } from "./io.ts";

/** Opens a file in the program that the person's desktop has for it. Where there is none, that is a remark. */
export async function openFile(file: string, io: Pick<Io, "note">): Promise<void> {
  const opener = process.platform === "darwin" ? "open" : "xdg-open";
  const child = spawn(opener, [file], { stdio: "ignore", detached: true });
  const how = await Promise.race([once(child, "spawn").then(() => null), once(child, "error").then(([error]) => error as Error)]);
  child.unref();
  if (how) io.note(`${opener} cannot be started, so nothing was opened: ${file}`);
}
