import { resolve } from "node:path";
import { counted } from "../../lib/base/counted.ts";
import { plainJson } from "../../lib/base/text.ts";
import { gitLine } from "../../lib/git/run.ts";
import { cloneBranch, fetchInto } from "../landing/clone-repository.ts";
import { leftBehind } from "../landing/left-behind.ts";
import type { Io } from "../output/io.ts";
import { chooseVoyage } from "../target/choose-voyage.ts";

type Options = { dest?: string; withLeft?: boolean };

/**
 * `ocaptain clone [voyage] [-d dest] [--with-left]` clones the voyage's branch; and, if asked, the commits of what was
 * left beside it, as `left/<name>` among the clone's remote branches.
 */
export async function clone(name: string | undefined, options: Options, io: Io): Promise<void> {
  const voyage = await chooseVoyage(name);
  const { file, folder } = voyage;
  const dest = resolve(options.dest ?? file.stack);
  const hint = `ocaptain clone ${file.stack} -d ${dest}-2`;
  io.note(`cloning branch ${file.stack} to ${dest}`);
  await cloneBranch({ repo: folder.repo, branch: file.stack, dest, hint }, io);
  const left = options.withLeft ? (await leftBehind(voyage)).flatMap((each) => ("ref" in each ? [each] : [])) : [];
  await fetchInto(
    dest,
    left.map((each) => `${each.ref}:refs/remotes/left/${each.name}`),
    hint,
    io,
  );
  const tip = await gitLine(["rev-parse", "HEAD"], { cwd: dest });
  const names = left.map((each) => `left/${each.name}`);
  if (io.json)
    return io.out(
      plainJson({ voyage: file.stack, branch: file.stack, folder: dest, tip, ...(options.withLeft && { left: names }) }, 2),
    );
  io.out(dest);
  if (options.withLeft)
    io.note(`with ${counted(names.length, "remote branch", "remote branches")} of what was left: ${names.join(", ") || "none"}`);
}
