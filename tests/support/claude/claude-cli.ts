import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { acquireOsLock } from "../../../lib/base/os-lock.ts";

/** The version that docs/facts/claude-code.md was measured with. */
const VERSION = "2.1.330";
const PACKAGE = "@anthropic-ai/claude-code-linux-x64";
/** The bound of an installation in milliseconds, which allows for a slow line. */
export const INSTALL_MS = 280_000;
const CACHE = join(import.meta.dirname, "../../../.tools/claude", VERSION);

/**
 * The folder that holds the real `claude`, for a PATH. It is 381 MB and comes from npm once, into a cache of its own,
 * because it is no dependency of the product, which finds it on its ships. Two processes that ask at once share one
 * installation.
 */
export async function claudeFolder(): Promise<string> {
  const folder = join(CACHE, "node_modules", PACKAGE);
  const stamp = join(CACHE, "whole");
  if (existsSync(stamp)) return folder;
  const lock = await acquireOsLock(`${CACHE}.lock`, { timeoutMs: INSTALL_MS });
  try {
    if (existsSync(stamp)) return folder;
    mkdirSync(CACHE, { recursive: true });
    const npm = [
      "install",
      "--no-save",
      "--ignore-scripts",
      "--no-audit",
      "--no-fund",
      "--prefix",
      CACHE,
      `${PACKAGE}@${VERSION}`,
    ];
    await execa("npm", npm, { timeout: INSTALL_MS });
    await execa(join(folder, "claude"), ["--version"], { timeout: 30_000 });
    writeFileSync(stamp, "");
    return folder;
  } finally {
    lock.release();
  }
}
