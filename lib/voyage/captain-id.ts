import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ocaptainHome } from "../base/paths.ts";

/**
 * Reads the id of this machine's captain: 12 hex digits, which the first call draws and keeps in
 * `<OCAPTAIN_HOME>/captain`. Two processes that are first at the same time get the same id.
 */
export async function captainId(): Promise<string> {
  const file = join(ocaptainHome(), "captain");
  const known = await readFile(file, "utf8").catch(() => "");
  if (known.trim()) return known.trim();
  await mkdir(ocaptainHome(), { recursive: true, mode: 0o700 });
  const mine = randomBytes(6).toString("hex");
  const temporary = `${file}.tmp.${mine}`;
  await writeFile(temporary, `${mine}\n`, { mode: 0o600 });
  try {
    // The link fails when another process was first, whose id is then the captain's.
    await link(temporary, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  return (await readFile(file, "utf8")).trim();
}
