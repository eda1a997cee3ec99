import { join } from "node:path";
import { acquireOsLock, type OsLock } from "../../../lib/base/os-lock.ts";
import type { KnownVoyage } from "../../../lib/watch/known.ts";
import type { Io } from "../../output/io.ts";

/** Waits until no other command lands this voyage, or writes what has become of its landing. */
export const holdLanding = ({ folder }: KnownVoyage, timeoutMs: number, io: Io): Promise<OsLock> =>
  acquireOsLock(join(folder.root, "helm", "landing.sqlite"), {
    timeoutMs,
    onWait: () => io.note("another landing of this voyage is under way, and is waited for"),
  });
