import { existsSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OcaptainError } from "../../lib/base/errors.ts";
import { acquireOsLock } from "../../lib/base/os-lock.ts";
import { voyageFolderAt, voyagesRoot } from "../../lib/base/paths.ts";
import { shellWord } from "../../lib/base/shell-word.ts";
import { plainJson } from "../../lib/base/text.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";
import type { Io } from "../output/io.ts";
import { chooseVoyage, sameVoyage } from "../target/choose-voyage.ts";

/**
 * `ocaptain forget <voyage>`: moves the folder of a voyage that has sunk into the archive beside the others, where no
 * verb looks. Nothing is deleted, and the folder may be moved back.
 * @throws OcaptainError LOCKED, STILL_AT_SEA, ARCHIVED
 */
export async function forget(name: string, io: Io): Promise<void> {
  const voyage = await chooseVoyage(name);
  const { stack } = voyage.file;
  // An `up` of the same stack takes this lock for whatever it does to the folder.
  const lock = await acquireOsLock(voyage.folder.lock, { timeoutMs: 0 }).catch((cause) => {
    throw new OcaptainError("LOCKED", `another change of voyage "${stack}" is under way`, {
      hint: `ocaptain forget ${stack}  # when it has ended`,
      cause,
    });
  });
  try {
    await archive(await sameVoyage(voyage), io);
  } finally {
    lock.release();
  }
}

async function archive({ file, folder }: KnownVoyage, io: Io): Promise<void> {
  const { stack, voyageId } = file;
  const isAtHelm = await helmClient()
    .voyage(voyageId)
    .then(
      () => true,
      () => false,
    );
  if (!file.sunkAt || isAtHelm)
    throw new OcaptainError("STILL_AT_SEA", `voyage "${stack}" has not sunk; only one that has can be forgotten`, {
      hint: `pulumi destroy -s ${stack}`,
    });
  const to = voyageFolderAt(join(voyagesRoot(), ".archive", `${stack}.${voyageId}`), stack);
  if (existsSync(to.root))
    throw new OcaptainError("ARCHIVED", `${to.root} is there already, and is left as it is`, {
      hint: `ls -la ${shellWord(to.root)}`,
    });
  await mkdir(dirname(to.root), { recursive: true, mode: 0o700 });
  await rename(folder.root, to.root);
  // The checkout names the repository beside it by its path, which is another now.
  if (existsSync(join(to.workspace, ".git"))) {
    const { git } = await import("../../lib/git/run.ts");
    await git(["remote", "set-url", "origin", to.repo], { cwd: to.workspace, okCodes: [0, 2] });
  }
  const back = `mv ${shellWord(to.root)} ${shellWord(folder.root)}`;
  io.out(
    io.json
      ? plainJson({ voyage: stack, id: voyageId, folder: to.root }, 2)
      : `${stack} is forgotten; all of it is kept in ${to.root}\n  to have it back: ${back}`,
  );
}
