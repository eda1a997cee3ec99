import { commitOf, historyOf } from "../landing/history.ts";
import { changeAsJson, showChange } from "../landing/show-change.ts";
import type { Io } from "../output/io.ts";
import { chooseVoyage } from "../target/choose-voyage.ts";

/**
 * `ocaptain diff [voyage] [--task N] [--stat]` shows what the voyage has changed, or what one task has. What
 * others have changed in the base, and a landing has merged in, is not the voyage's.
 * @throws OcaptainError NO_BRANCH, NO_COMMIT
 */
export async function diff(name: string | undefined, options: { task?: string; stat?: boolean }, io: Io): Promise<void> {
  const voyage = await chooseVoyage(name);
  const { stack } = voyage.file;
  const history = await historyOf(voyage);
  const task = options.task === undefined ? undefined : commitOf(history, options.task, stack);
  const change = { repo: voyage.folder.repo, from: task?.parent ?? history.base, to: task?.commit ?? history.tip };
  if (io.json) return changeAsJson(change, { voyage: stack, ...(task && { task: task.task, ship: task.ship }) }, io);
  if (task) io.note(`task ${task.task}, by ${task.ship}: ${task.subject}`);
  else {
    const since = history.base === history.start ? "since it began" : "beside its base, which was merged in";
    io.note(`${stack} ${since}, ${history.base.slice(0, 8)}..${history.tip.slice(0, 8)}`);
  }
  if (change.from === change.to) return io.note("nothing was accepted yet");
  await showChange(change, options, io);
}
