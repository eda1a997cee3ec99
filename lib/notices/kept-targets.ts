import { randomBytes } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { writeAtomically } from "../base/atomic-file.ts";
import { NoticeTarget } from "./targets.ts";

/**
 * The targets of a voyage's notices as the helm keeps them, with what is secret in them: in a file of mode 0600 beside
 * the provider's token, and nowhere else. The ledger knows a target by its random id.
 */
const KeptTarget = z.object({ id: z.string(), target: NoticeTarget });
export type KeptTarget = z.infer<typeof KeptTarget>;

/** Reads the targets of the last `up`; none where there is no file. */
export async function readKeptTargets(file: string): Promise<KeptTarget[]> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  return text === null ? [] : z.array(KeptTarget).parse(JSON.parse(text));
}

/**
 * Keeps these targets, and no others. One that is there already, changed in nothing but its events or its times, keeps
 * its id, and so what waits for it.
 */
export async function keepTargets(file: string, targets: readonly NoticeTarget[]): Promise<KeptTarget[]> {
  if (targets.length === 0) {
    await rm(file, { force: true });
    return [];
  }
  const before = await readKeptTargets(file).catch(() => []);
  const kept = targets.map((target) => {
    const known = before.findIndex((each) => isDeepStrictEqual(wayOf(each.target), wayOf(target)));
    // A target that stands in the list twice is two.
    const [same] = known < 0 ? [] : before.splice(known, 1);
    return { id: same?.id ?? randomBytes(6).toString("hex"), target };
  });
  await writeAtomically(file, `${JSON.stringify(kept)}\n`, 0o600);
  return kept;
}

const wayOf = ({ url, command }: NoticeTarget) => ({ url, command });
