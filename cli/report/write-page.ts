import { lstat, open, realpath } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomically } from "../../lib/base/atomic-file.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { typedWord } from "../../lib/base/shell-word.ts";
import { MARKER } from "./page/page.ts";

/** How much of a file is looked at. */
const HEAD_BYTES = 4_096;

/**
 * The file that a path means: in a folder it is `name`, and behind a link it is what the link leads to.
 * @throws OcaptainError NOT_A_FILE for what is neither
 */
export async function fileAt(path: string, name: string): Promise<string> {
  const found = await realpath(path).catch(() => path);
  const stat = await lstat(found).catch(() => null);
  if (stat?.isDirectory()) return join(found, name);
  if (stat && !stat.isFile()) throw new OcaptainError("NOT_A_FILE", `${path} is no file to write a report into`);
  return found;
}

/** Says whether a file is there that is no report of ours. */
export async function isForeign(file: string): Promise<boolean> {
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (!handle) return false;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return bytesRead > 0 && !buffer.toString("utf8", 0, bytesRead).includes(MARKER);
  } finally {
    await handle.close();
  }
}

/**
 * Writes a report, in the place of an earlier one, and of no other file unless `mayReplace` says so.
 * @throws OcaptainError NOT_OURS
 */
export async function writePage(file: string, text: string, mayReplace: () => Promise<boolean>): Promise<void> {
  if ((await isForeign(file)) && !(await mayReplace()))
    throw new OcaptainError("NOT_OURS", `${file} is there, and is no report that ocaptain has written: it is left as it is`, {
      hint: `ocaptain report --force -o ${typedWord(file)}  # or name another file`,
    });
  await writeAtomically(file, text);
}
